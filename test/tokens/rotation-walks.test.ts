/** Random walks of rotations and retirements. */

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { describeKeyring } from '../../shared/tokens/keyring-report.ts'
import { generateKeyring } from '../../shared/tokens/keyring-secret.ts'
import { replacementFault } from '../../shared/tokens/keyring-trial.ts'
import {
  leadSeconds,
  maxAccessTokenSeconds,
  maxIdleSeconds,
  retireKeys,
  rotateKeyring,
} from '../../shared/tokens/rotation.ts'
import { now } from '../support/families.ts'
import { counted, keysIn, lines } from '../support/keyrings.ts'

const day = 86_400_000
const leadMs = leadSeconds * 1000

let first: string
before(async () => {
  first = await generateKeyring(now)
})

type Step = { readonly do: 'rotate' | 'retire'; readonly afterMs: number; readonly pick: number }

const step = fc.record<Step>({
  do: fc.constantFrom('rotate', 'rotate', 'rotate', 'retire'),
  afterMs: fc.oneof(fc.integer({ min: 0, max: 2 * leadMs }), fc.integer({ min: 0, max: 400 * day })),
  pick: fc.nat(),
})

/** The moments at which each key was in use, as everybody who goes by this keyring has it. */
function assertSound(text: string, atMs: number): void {
  const keys = keysIn(text)
  assert.equal(new Set(keys.map(({ name }) => name)).size, keys.length, 'names are unique')
  for (const line of lines) {
    const own = keys.filter((key) => key.line === line)
    for (const status of ['current', 'next']) {
      assert.equal(own.filter((key) => key.status === status).length, 1, `one ${status} ${line}`)
    }
    const used = describeKeyring(text, atMs).filter((key) => key.in_use && (key.alg === line || key.kind === line))
    assert.equal(used.length, 1, `one ${line} key is in use`)
  }
}

test('after any rotations and retirements one key of each kind is in use, names are unique, and no key is removed too early', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const source = counted()
      let [text, at, retired] = [first, now, new Set<string>()]
      /** When each key was last in use, by what the keyrings said. */
      const lastUse = new Map<string, number>()
      for (const { do: what, afterMs, pick } of steps) {
        at += afterMs
        const before = keysIn(text)
        for (const key of before) {
          if (key.status === 'current') lastUse.set(key.name, at)
          if (key.usedUntilSeconds !== undefined) lastUse.set(key.name, Math.min(at, key.usedUntilSeconds * 1000))
        }
        const named = [before[pick % before.length]!.name]
        const change =
          what === 'rotate' ? await rotateKeyring(text, at, source) : await retireKeys(text, named, at, source)
        if (!change.ok) {
          assert.equal(change.refusal.kind, 'too-early')
          continue
        }
        if (what === 'retire') retired = new Set([...retired, ...named])
        const after = keysIn(change.text)
        for (const { name, line } of before) {
          if (retired.has(name) || after.some((key) => key.name === name)) continue
          const life = line === 'mac' || line === 'seal' ? maxIdleSeconds : maxAccessTokenSeconds
          assert.ok((lastUse.get(name) ?? 0) + life * 1000 <= at, `${name} went too early`)
        }
        if (what === 'rotate') {
          for (const { status, publishedAtSeconds, usedFromSeconds } of after) {
            if (status === 'current')
              assert.ok(usedFromSeconds! - publishedAtSeconds >= leadSeconds, 'known before use')
          }
          assert.equal(replacementFault(text, change.text, at), undefined)
        }
        text = change.text
        assertSound(text, at)
      }
    }),
    { numRuns: 200 },
  )
})
