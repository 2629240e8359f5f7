/**
 * How keys come and go: whatever is rotated and retired in whatever order, nothing is used before it is known and nothing
 * is dropped before what it made has ended.
 */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { JWK } from 'jose'
import { mint, open } from '../../shared/domain/credential.ts'
import { parseRegistry } from '../../shared/registry-file.ts'
import { readKeyring } from '../../shared/tokens/keyring.ts'
import { describeKeyring, describeRetirement, describeRotation } from '../../shared/tokens/keyring-report.ts'
import {
  generateKeyring,
  type KeyLife,
  type KeyringSecret,
  type KeySource,
  parseKeyring,
  writeKeyring,
} from '../../shared/tokens/keyring-secret.ts'
import { objectionTo, tryKeyring } from '../../shared/tokens/keyring-trial.ts'
import {
  explainRefusal,
  type KeyringChange,
  leadSeconds,
  longestAccessTokenSeconds,
  longestIdleSeconds,
  nameOf,
  retireKeys,
  rotateKeyring,
} from '../../shared/tokens/rotation.ts'
import { seal, unseal } from '../../shared/tokens/seal.ts'
import { now } from '../support/families.ts'

const day = 86_400_000
const leadMs = leadSeconds * 1000

/** Keys that cost nothing: what is told of them here does not depend on what they are. */
function counted(): KeySource {
  let drawn = 0
  const next = () => `${++drawn}`
  return {
    signingKey: async () => ({ kty: 'EC', d: next() }) satisfies JWK,
    secretKey: next,
    keyId: () => `key-${next()}`,
  }
}

let first: string
before(async () => {
  first = await generateKeyring(now)
})

function textOf(change: KeyringChange): string {
  assert.ok(change.ok, JSON.stringify(change))
  return change.text
}

type Named = KeyLife & { name: string; line: string }

function keysIn(text: string): Named[] {
  const { signing, mac, seal } = parseKeyring(text)
  return [
    ...signing.map((key) => ({ ...key, name: nameOf(key), line: key.alg })),
    ...mac.map((key) => ({ ...key, name: nameOf(key), line: 'mac' })),
    ...seal.map((key) => ({ ...key, name: nameOf(key), line: 'seal' })),
  ]
}

const named = (text: string, line: string, status: string) =>
  keysIn(text)
    .filter((key) => key.line === line && key.status === status)
    .map(({ name }) => name)

const lines = ['ES256', 'RS256', 'mac', 'seal']

describe('a rotation', () => {
  test('the next key of each kind takes over after a quarter of an hour, and another next one is published', async () => {
    const at = now + day
    const rotated = textOf(await rotateKeyring(first, at))
    for (const line of lines) {
      assert.deepEqual(named(rotated, line, 'current'), named(first, line, 'next'), line)
      assert.deepEqual(named(rotated, line, 'previous'), named(first, line, 'current'), line)
      assert.equal(named(rotated, line, 'next').length, 1)
    }
    const [former, latter] = await Promise.all([readKeyring(first), readKeyring(rotated)])
    assert.equal(leadMs, 900_000)
    assert.equal(latter.macKey(at + leadMs - 1).id, former.macKey(at).id)
    assert.notEqual(latter.macKey(at + leadMs).id, former.macKey(at).id)
    assert.equal(describeRotation(rotated, at).used_from, new Date(at + leadMs).toISOString())
  })

  test('what the former keys made is taken by the latter keyring, and what the latter make by the former', async () => {
    const at = now + day
    const rotated = textOf(await rotateKeyring(first, at))
    const [former, latter] = await Promise.all([readKeyring(first), readKeyring(rotated)])
    const credential = { sid: 'A'.repeat(22), generation: 1, salt: 'A'.repeat(22) }
    for (const [maker, taker, madeAt] of [
      [former, latter, at],
      [latter, former, at + leadMs],
    ] as const) {
      assert.deepEqual(
        open('rt', 'demo', mint('rt', 'demo', credential, maker.macKey(madeAt)), taker.macKeys),
        credential,
      )
      const sealing = { purpose: 'sign-in', application: 'demo', nowMs: madeAt }
      assert.equal(await unseal(taker, sealing, await seal(maker, sealing, 'value', 900)), 'value')
      for (const alg of ['ES256', 'RS256'] as const) {
        assert.ok(taker.publicKeys.some(({ kid }) => kid === maker.signingKey(alg, madeAt).kid))
      }
    }
  })

  test('is refused until the next keys have been published for a quarter of an hour', async () => {
    const early = await rotateKeyring(first, now + leadMs - 1, counted())
    assert.ok(!early.ok)
    assert.deepEqual(early.refusal, {
      kind: 'too-early',
      publishedAtSeconds: now / 1000,
      retryAtSeconds: now / 1000 + 900,
    })
    assert.match(explainRefusal(early.refusal), /15 minutes.*Try again at 20\d\d-.*Z\./)
    const rotated = textOf(await rotateKeyring(first, now + leadMs, counted()))
    assert.ok(!(await rotateKeyring(rotated, now + 2 * leadMs - 1, counted())).ok)
    assert.ok((await rotateKeyring(rotated, now + 2 * leadMs, counted())).ok)
  })

  test('M6 drops a signing key a day after its last use, when the longest access token has ended', async () => {
    const source = counted()
    const [kid] = named(first, 'ES256', 'current')
    let text = textOf(await rotateKeyring(first, now + day, source))
    const lastUse = now + day + leadMs
    const has = () => keysIn(text).some(({ name }) => name === kid)
    text = textOf(await rotateKeyring(text, lastUse + longestAccessTokenSeconds * 1000, source))
    assert.ok(has())
    text = textOf(await rotateKeyring(text, lastUse + longestAccessTokenSeconds * 1000 + leadMs, source))
    assert.ok(!has())
  })

  test('keeps MAC and seal keys for the longest that a session may be idle', async () => {
    for (const line of ['mac', 'seal']) {
      const [name] = named(first, line, 'current')
      const has = (text: string) => keysIn(text).some((key) => key.name === name)
      const rotated = textOf(await rotateKeyring(first, now + day, counted()))
      const lastUse = now + day + leadMs
      assert.ok(has(textOf(await rotateKeyring(rotated, lastUse + longestIdleSeconds * 1000, counted()))))
      assert.ok(!has(textOf(await rotateKeyring(rotated, lastUse + longestIdleSeconds * 1000 + leadMs, counted()))))
    }
  })

  test('goes by the limits that the registry’s schema has', () => {
    const registry = (limits: object) =>
      JSON.stringify({
        applications: [
          {
            name: 'demo',
            displayName: 'Demo',
            provider: { kind: 'oidc', issuer: 'https://idp.example', clientId: 'broker' },
            audiences: ['https://api.example'],
            clients: [
              { clientId: 'cli', auth: 'none', grants: ['refresh_token'], absoluteSeconds: 10 * 31_536_000, ...limits },
            ],
          },
        ],
      })
    for (const [member, most] of [
      ['accessTokenSeconds', longestAccessTokenSeconds],
      ['idleSeconds', longestIdleSeconds],
    ] as const) {
      assert.ok(parseRegistry(registry({ [member]: most }), {}).ok, member)
      assert.ok(!parseRegistry(registry({ [member]: most + 1 }), {}).ok, member)
    }
  })

  test('of a keyring of version 1 publishes first, too: the fresh keys are used a quarter of an hour later', async () => {
    const { signing, mac, seal } = parseKeyring(first)
    const bare = <Key extends KeyLife>(keys: readonly Key[]) =>
      keys
        .filter(({ status }) => status === 'current')
        .map(({ publishedAtSeconds: _, usedFromSeconds: __, ...key }) => key)
    const old = JSON.stringify({ version: 1, signing: bare(signing), mac: bare(mac), seal: bare(seal) })
    const rotated = textOf(await rotateKeyring(old, now, counted()))
    for (const line of lines) {
      assert.deepEqual(named(rotated, line, 'previous'), named(first, line, 'current'))
      assert.equal(named(rotated, line, 'next').length, 1)
    }
    const [taking] = keysIn(rotated)
    assert.deepEqual([taking?.publishedAtSeconds, taking?.usedFromSeconds], [now / 1000, now / 1000 + 900])
    assert.equal(parseKeyring(rotated).serial, 1)
  })

  test('is refused when no id is free for a MAC key, and when the keyring would be too long', async () => {
    const secret = parseKeyring(first)
    const filled = (mac: KeyringSecret['mac'], seals = secret.seal) => writeKeyring({ ...secret, mac, seal: seals })
    const previous = { status: 'previous', publishedAtSeconds: 0, keptUntilSeconds: 1e10 } as const
    const many = Array.from({ length: 253 }, (_, at) => ({ ...previous, id: at + 3, key: 'k' }))
    const full = await rotateKeyring(filled([...secret.mac, ...many]), now + day, counted())
    assert.ok(!full.ok && full.refusal.kind === 'no-free-id')
    assert.match(explainRefusal(full.refusal), /256 keys/)
    const last = textOf(await rotateKeyring(filled([...secret.mac, ...many.slice(1)]), now + day, counted()))
    assert.equal(new Set(parseKeyring(last).mac.map(({ id }) => id)).size, 255)
    const long = [...secret.seal, { ...previous, kid: 'long', key: 'k'.repeat(65_536) }]
    const refused = await rotateKeyring(filled(secret.mac, long), now + day, counted())
    assert.ok(!refused.ok && refused.refusal.kind === 'too-large')
    assert.match(explainRefusal(refused.refusal), /65536 bytes/)
  })
})

describe('a retirement', () => {
  test('of a current key brings the next one into use at once, and touches no other kind', async () => {
    const [kid] = named(first, 'ES256', 'current')
    const at = now + day
    const after = textOf(await retireKeys(first, [kid!], at))
    const [former, latter] = await Promise.all([readKeyring(first), readKeyring(after)])
    assert.equal(latter.signingKey('ES256', at).kid, named(first, 'ES256', 'next')[0])
    assert.ok(!latter.publicKeys.some((key) => key.kid === kid))
    assert.equal(latter.signingKey('RS256', at).kid, former.signingKey('RS256', at).kid)
    assert.deepEqual(latter.macKeys, former.macKeys)
    assert.equal(named(after, 'ES256', 'next').length, 1)
    const told = describeRetirement(first, after, at)
    assert.deepEqual(
      told.retired.map(({ kind, key }) => [kind, key]),
      [['signing', kid]],
    )
    assert.match(told.retired[0]?.ends ?? '', /Sessions go on/)
    assert.equal(told.effective_at, new Date(at + 300_000).toISOString())
    assert.equal(told.verifiers_effective_at, new Date(at + 600_000).toISOString())
    assert.equal(told.known_everywhere, true)
  })

  test('says so when what takes over has not been known for long enough', async () => {
    const [mac] = named(first, 'mac', 'current')
    const after = textOf(await retireKeys(first, [mac!], now + 60_000, counted()))
    const told = describeRetirement(first, after, now + 60_000)
    assert.equal(told.known_everywhere, false)
    assert.equal(told.verifiers_effective_at, undefined)
    assert.match(told.retired[0]?.ends ?? '', /sign in again/)
  })

  test('of all leaves none, next keys included, for whoever read the keyring has read those too', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day))
    const after = textOf(await retireKeys(rotated, 'all', now + 2 * day))
    const names = (text: string) => keysIn(text).map(({ name }) => name)
    assert.deepEqual(
      names(after).filter((name) => names(rotated).includes(name)),
      [],
    )
    const keyring = await readKeyring(after)
    assert.equal(keyring.macKeys.length, 2)
    await tryKeyring(after, now + 2 * day)
    const told = describeRetirement(rotated, after, now + 2 * day)
    assert.equal(told.retired.length, 12)
    assert.equal(told.known_everywhere, false)
  })

  test('of all finds ids even when every one is taken', async () => {
    const secret = parseKeyring(first)
    const many = Array.from({ length: 254 }, (_, at) => ({
      ...({ status: 'previous', publishedAtSeconds: 0, keptUntilSeconds: 1e10 } as const),
      ...{ id: (at + 3) % 256, key: 'k' },
    }))
    const after = textOf(
      await retireKeys(writeKeyring({ ...secret, mac: [...secret.mac, ...many] }), 'all', now, counted()),
    )
    assert.equal(parseKeyring(after).mac.length, 2)
  })

  test('of a next key draws another, and ends nothing', async () => {
    const [mac] = named(first, 'mac', 'next')
    const after = textOf(await retireKeys(first, [mac!], now, counted()))
    assert.deepEqual(named(after, 'mac', 'current'), named(first, 'mac', 'current'))
    assert.notDeepEqual(named(after, 'mac', 'next'), [mac])
    assert.match(describeRetirement(first, after, now).retired[0]?.ends ?? '', /^Nothing/)
  })

  test('of the key that is in use while its successor waits brings that one into use at once', async () => {
    const at = now + day
    const rotated = textOf(await rotateKeyring(first, at))
    const [former] = named(rotated, 'seal', 'previous')
    const after = textOf(await retireKeys(rotated, [former!], at + 60_000))
    const keyring = await readKeyring(after)
    assert.equal(keyring.sealKey(at + 60_000).kid, named(rotated, 'seal', 'current')[0])
    const ofWaiting = textOf(await retireKeys(rotated, named(rotated, 'seal', 'current'), at + 60_000))
    assert.equal((await readKeyring(ofWaiting)).sealKey(at + 60_000).kid, named(rotated, 'seal', 'next')[0])
    const ofNext = textOf(await retireKeys(rotated, named(rotated, 'seal', 'next'), at + 60_000))
    assert.equal((await readKeyring(ofNext)).sealKey(at + 60_000).kid, former)
  })

  test('of a key that is not there, or of none, is refused', async () => {
    const unknown = await retireKeys(first, ['mac-1', 'mac-9'], now, counted())
    assert.ok(!unknown.ok)
    assert.match(explainRefusal(unknown.refusal), /no key "mac-9"/)
    const none = await retireKeys(first, [], now, counted())
    assert.ok(!none.ok)
    assert.match(explainRefusal(none.refusal), /No key was named/)
  })
})

describe('the list', () => {
  test('names each key, its kind, status and times, and never what it is', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day))
    const told = describeKeyring(rotated, now + day + leadMs)
    assert.equal(told.length, 12)
    assert.deepEqual(told[0], {
      ...{ kind: 'signing', key: named(rotated, 'ES256', 'current')[0], alg: 'ES256', status: 'current', in_use: true },
      published_at: new Date(now).toISOString(),
      used_from: new Date(now + day + leadMs).toISOString(),
    })
    const previous = told.find(({ kind, status }) => kind === 'mac' && status === 'previous')
    assert.deepEqual(previous, {
      ...{ kind: 'mac', key: 'mac-1', alg: 'HMAC-SHA-256', status: 'previous', in_use: false },
      ...{ published_at: new Date(now).toISOString(), used_from: new Date(now).toISOString() },
      used_until: new Date(now + day + leadMs).toISOString(),
      kept_until: new Date(now + day + 2 * leadMs + longestIdleSeconds * 1000).toISOString(),
    })
    const { signing, mac, seal: seals } = parseKeyring(rotated)
    for (const secret of [...signing.map(({ jwk }) => jwk.d), ...[...mac, ...seals].map(({ key }) => key)]) {
      assert.ok(!JSON.stringify(told).includes(secret!))
    }
  })

  test('before the handover the previous key is the one in use', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day))
    const inUse = describeKeyring(rotated, now + day).filter((key) => key.in_use)
    assert.deepEqual(
      inUse.map(({ kind, status }) => [kind, status]),
      ['signing', 'signing', 'mac', 'seal'].map((kind) => [kind, 'previous']),
    )
  })
})

describe('the trial', () => {
  test('a keyring that was derived from the one in place a moment ago works and may follow it', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day))
    await tryKeyring(rotated, now + day)
    assert.equal(objectionTo(first, rotated, now + day + 300_000), undefined)
  })

  test('one that was made too long ago, of another keyring, or without a key that is needed, may not', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day, counted()))
    assert.match(objectionTo(first, rotated, now + day + 301_000) ?? '', /too long ago/)
    const emergency = textOf(await retireKeys(first, ['mac-1'], now + day, counted()))
    assert.match(objectionTo(emergency, rotated, now + day) ?? '', /does not follow/)
    assert.match(objectionTo(first, first, now + day) ?? '', /does not follow/)
    const { seal: seals, ...rest } = parseKeyring(rotated)
    const lacking = writeKeyring({ ...rest, seal: seals.filter(({ status }) => status !== 'previous') })
    assert.match(objectionTo(first, lacking, now + day) ?? '', /lacks a key/)
  })

  test('one whose published half is another key’s does not pass', async () => {
    const { signing, ...rest } = parseKeyring(first)
    const [es, rs, ...next] = signing
    const other = next.find(({ alg }) => alg === 'ES256')!
    const crossed = { ...es!, jwk: { ...es!.jwk, x: other.jwk.x!, y: other.jwk.y! } }
    await assert.rejects(tryKeyring(writeKeyring({ ...rest, signing: [crossed, rs!, ...next] }), now))
  })
})

// --- whatever happens -----------------------------------------------------------------------------------------------

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
    assert.ok(used.length <= 1, `at most one ${line} key is in use`)
  }
}

test('whatever is rotated and retired, one key of each kind is in use, names are unique, and nothing goes too early', async () => {
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
          const life = line === 'mac' || line === 'seal' ? longestIdleSeconds : longestAccessTokenSeconds
          assert.ok((lastUse.get(name) ?? 0) + life * 1000 <= at, `${name} went too early`)
        }
        if (what === 'rotate') {
          for (const { status, publishedAtSeconds, usedFromSeconds } of after) {
            if (status === 'current')
              assert.ok(usedFromSeconds! - publishedAtSeconds >= leadSeconds, 'known before use')
          }
          assert.equal(objectionTo(text, change.text, at), undefined)
        }
        text = change.text
        assertSound(text, at)
      }
    }),
    { numRuns: 200 },
  )
})
