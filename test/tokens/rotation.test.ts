import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { mint, verify } from '../../shared/domain/credential.ts'
import { parseRegistry } from '../../shared/registry-file.ts'
import { readKeyring } from '../../shared/tokens/keyring.ts'
import { describeRetirement, describeRotation } from '../../shared/tokens/keyring-report.ts'
import {
  generateKeyring,
  type KeyLife,
  type KeyringSecret,
  parseKeyring,
  writeKeyring,
} from '../../shared/tokens/keyring-secret.ts'
import { testKeyring } from '../../shared/tokens/keyring-trial.ts'
import {
  explainRefusal,
  leadSeconds,
  maxAccessTokenSeconds,
  maxIdleSeconds,
  retireKeys,
  rotateKeyring,
} from '../../shared/tokens/rotation.ts'
import { seal, unseal } from '../../shared/tokens/seal.ts'
import { now } from '../support/families.ts'
import { counted, keysIn, lines, named, textOf } from '../support/keyrings.ts'

const day = 86_400_000
const leadMs = leadSeconds * 1000

let first: string
before(async () => {
  first = await generateKeyring(now)
})

test('a rotation keeps the lookup key, and adds one to a keyring without', async () => {
  const rotated = textOf(await rotateKeyring(first, now + day))
  assert.deepEqual(parseKeyring(rotated).lookup, parseKeyring(first).lookup)
  const { lookup: _, ...without } = parseKeyring(first)
  assert.ok(parseKeyring(textOf(await rotateKeyring(writeKeyring(without), now + day))).lookup)
})

describe('a rotation', () => {
  test('a rotation makes the next keys current after 15 minutes, and publishes new next keys', async () => {
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

  test("the keyrings before and after a rotation accept each other's values", async () => {
    const at = now + day
    const rotated = textOf(await rotateKeyring(first, at))
    const [former, latter] = await Promise.all([readKeyring(first), readKeyring(rotated)])
    const credential = { sid: 'A'.repeat(22), generation: 1, salt: 'A'.repeat(22) }
    for (const [maker, taker, madeAt] of [
      [former, latter, at],
      [latter, former, at + leadMs],
    ] as const) {
      assert.deepEqual(
        verify('rt', 'demo', mint('rt', 'demo', credential, maker.macKey(madeAt)), taker.macKeys),
        credential,
      )
      const sealing = { purpose: 'question', application: 'demo', nowMs: madeAt } as const
      assert.equal(await unseal(taker, sealing, await seal(maker, sealing, 'value', 900)), 'value')
      for (const alg of ['ES256', 'RS256'] as const) {
        assert.ok(taker.publicKeys.some(({ kid }) => kid === maker.signingKey(alg, madeAt).kid))
      }
    }
  })

  test('a rotation is refused until the next keys have been published for 15 minutes', async () => {
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

  test('M6 a rotation removes a signing key a day after its last use, when the longest access token has expired', async () => {
    const source = counted()
    const [kid] = named(first, 'ES256', 'current')
    let text = textOf(await rotateKeyring(first, now + day, source))
    const lastUse = now + day + leadMs
    const has = () => keysIn(text).some(({ name }) => name === kid)
    text = textOf(await rotateKeyring(text, lastUse + maxAccessTokenSeconds * 1000, source))
    assert.ok(has())
    text = textOf(await rotateKeyring(text, lastUse + maxAccessTokenSeconds * 1000 + leadMs, source))
    assert.ok(!has())
  })

  test('a rotation keeps MAC and seal keys for the longest idle lifetime', async () => {
    for (const line of ['mac', 'seal']) {
      const [name] = named(first, line, 'current')
      const has = (text: string) => keysIn(text).some((key) => key.name === name)
      const rotated = textOf(await rotateKeyring(first, now + day, counted()))
      const lastUse = now + day + leadMs
      assert.ok(has(textOf(await rotateKeyring(rotated, lastUse + maxIdleSeconds * 1000, counted()))))
      assert.ok(!has(textOf(await rotateKeyring(rotated, lastUse + maxIdleSeconds * 1000 + leadMs, counted()))))
    }
  })

  test("the retention of keys matches the limits of the registry's schema", () => {
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
      ['accessTokenSeconds', maxAccessTokenSeconds],
      ['idleSeconds', maxIdleSeconds],
    ] as const) {
      assert.ok(parseRegistry(registry({ [member]: most }), {}).ok, member)
      assert.ok(!parseRegistry(registry({ [member]: most + 1 }), {}).ok, member)
    }
  })

  test('a rotation of a version 1 keyring uses the new keys after 15 minutes', async () => {
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

  test('a rotation is refused if no MAC key id is free, or the keyring would be too long', async () => {
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
  test('the retirement of a current key uses the next one at once, and changes no other kind', async () => {
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

  test('a retirement reports if the new key is not yet known everywhere', async () => {
    const [mac] = named(first, 'mac', 'current')
    const after = textOf(await retireKeys(first, [mac!], now + 60_000, counted()))
    const told = describeRetirement(first, after, now + 60_000)
    assert.equal(told.known_everywhere, false)
    assert.equal(told.verifiers_effective_at, undefined)
    assert.match(told.retired[0]?.ends ?? '', /sign in again/)
  })

  test('the retirement of all keys removes the next keys too', async () => {
    const rotated = textOf(await rotateKeyring(first, now + day))
    const after = textOf(await retireKeys(rotated, 'all', now + 2 * day))
    const names = (text: string) => keysIn(text).map(({ name }) => name)
    assert.deepEqual(
      names(after).filter((name) => names(rotated).includes(name)),
      [],
    )
    const keyring = await readKeyring(after)
    assert.equal(keyring.macKeys.length, 2)
    await testKeyring(after, now + 2 * day)
    const told = describeRetirement(rotated, after, now + 2 * day)
    assert.equal(told.retired.length, 13)
    assert.equal(told.known_everywhere, false)
  })

  test('only the retirement of the lookup key replaces it', async () => {
    const { lookup } = parseKeyring(first)
    const after = textOf(await retireKeys(first, [lookup!.kid], now, counted()))
    assert.notEqual(parseKeyring(after).lookup?.key, lookup?.key)
    assert.match(describeRetirement(first, after, now).retired[0]?.ends ?? '', /no longer found by an e-mail/)
    const [mac] = named(first, 'mac', 'current')
    assert.deepEqual(parseKeyring(textOf(await retireKeys(first, [mac!], now, counted()))).lookup, lookup)
  })

  test('the retirement of all keys finds MAC key ids even if all are taken', async () => {
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

  test('the retirement of a next key adds another one', async () => {
    const [mac] = named(first, 'mac', 'next')
    const after = textOf(await retireKeys(first, [mac!], now, counted()))
    assert.deepEqual(named(after, 'mac', 'current'), named(first, 'mac', 'current'))
    assert.notDeepEqual(named(after, 'mac', 'next'), [mac])
    assert.match(describeRetirement(first, after, now).retired[0]?.ends ?? '', /^Nothing/)
  })

  test('the retirement of a previous key that is still in use makes its successor used at once', async () => {
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

  test('the retirement of an unknown key, or of none, is refused', async () => {
    const unknown = await retireKeys(first, ['mac-1', 'mac-9'], now, counted())
    assert.ok(!unknown.ok)
    assert.match(explainRefusal(unknown.refusal), /no key "mac-9"/)
    const none = await retireKeys(first, [], now, counted())
    assert.ok(!none.ok)
    assert.match(explainRefusal(none.refusal), /No key was named/)
  })
})
