import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { cachedKeyring, readKeyring } from '../../shared/tokens/keyring.ts'
import { generateKeyring } from '../../shared/tokens/keyring-secret.ts'
import { now } from '../support/families.ts'

type Life = { status: string; publishedAtSeconds?: number; usedFromSeconds?: number; usedUntilSeconds?: number }
type Secret = {
  version: number
  signing: (Life & { kid: string; alg: string; jwk: Record<string, string> })[]
  mac: (Life & { id: number; key: string })[]
  seal: (Life & { kid: string; key: string })[]
}

let one: string
let other: string
before(async () => {
  ;[one, other] = await Promise.all([generateKeyring(now), generateKeyring(now)])
})
const parse = (text: string) => JSON.parse(text) as Secret
const seconds = now / 1000

describe('what is drawn', () => {
  test('a generated keyring has a current and a next key of each kind, and shares none with another', () => {
    const [secret, second] = [parse(one), parse(other)]
    assert.deepEqual(
      secret.signing.map(({ alg, status }) => [alg, status]),
      [
        ['ES256', 'current'],
        ['RS256', 'current'],
        ['ES256', 'next'],
        ['RS256', 'next'],
      ],
    )
    for (const { key } of [...secret.mac, ...secret.seal]) assert.equal(Buffer.from(key, 'base64url').length, 32)
    for (const at of [1, 3]) assert.equal(Buffer.from(secret.signing[at]?.jwk.n ?? '', 'base64url').length, 256)
    assert.equal(secret.signing[0]?.jwk.crv, 'P-256')
    const material = ({ signing, mac, seal }: Secret) => [
      ...signing.map(({ kid, jwk }) => `${kid} ${jwk.d}`),
      ...[...mac, ...seal].map(({ key }) => key),
    ]
    assert.equal(new Set([...material(secret), ...material(second)]).size, 16)
  })

  test('the current keys of a generated keyring are used at once, the next ones not yet', () => {
    const { signing, mac, seal } = parse(one)
    for (const { status, publishedAtSeconds, usedFromSeconds } of [...signing, ...mac, ...seal]) {
      assert.equal(publishedAtSeconds, seconds)
      assert.equal(usedFromSeconds, status === 'current' ? seconds : undefined)
    }
  })
})

describe('what is read', () => {
  test('all public keys are published with kid, use and alg, next ones too, and nothing private', async () => {
    const { publicKeys } = await readKeyring(one)
    const { signing } = parse(one)
    assert.equal(signing.length, 4)
    assert.deepEqual(
      publicKeys.map(({ kid, alg, use }) => ({ kid, alg, use })),
      signing.map(({ kid, alg }) => ({ kid, alg, use: 'sig' })),
    )
    for (const key of publicKeys) {
      const members =
        key.kty === 'RSA' ? ['alg', 'e', 'kid', 'kty', 'n', 'use'] : ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']
      assert.deepEqual(Object.keys(key).sort(), members)
    }
  })

  test('printing a keyring shows no key', () => {
    const keyring = readKeyring(one)
    const printed = [keyring, keyring.signingKey('ES256', now), keyring.macKey(now)].flatMap((part) => [
      JSON.stringify(part),
      inspect(part, { depth: 9 }),
    ])
    const { signing, mac } = parse(one)
    for (const material of [...signing.map(({ jwk }) => jwk.d), ...mac.map(({ key }) => key)]) {
      assert.ok(!printed.join().includes(material!))
    }
  })

  /** The first keyring's current keys until a moment, the other's from it on. */
  function handedOver(atSeconds: number): string {
    const [a, b] = [parse(one), parse(other)]
    const former = <Key extends Life>(keys: Key[]) =>
      keys.slice(0, keys.length / 2).map((key) => ({ ...key, status: 'previous', usedUntilSeconds: atSeconds }))
    const latter = <Key extends Life>(keys: Key[]) =>
      keys.slice(0, keys.length / 2).map((key) => ({ ...key, usedFromSeconds: atSeconds }))
    return JSON.stringify({
      ...a,
      signing: [...latter(b.signing), ...former(a.signing)],
      mac: [...latter(b.mac).map((key) => ({ ...key, id: 7 })), ...former(a.mac)],
      seal: [...latter(b.seal), ...former(a.seal)],
    })
  }

  test('the former key is used until the handover, the latter from then on', async () => {
    const keyring = await readKeyring(handedOver(seconds + 900))
    const [former, latter] = [parse(one), parse(other)]
    for (const [atMs, secret, id] of [
      [now, former, 1],
      [now + 899_999, former, 1],
      [now + 900_000, latter, 7],
    ] as const) {
      for (const [at, alg] of (['ES256', 'RS256'] as const).entries()) {
        assert.equal(keyring.signingKey(alg, atMs).kid, secret.signing[at]?.kid)
      }
      assert.equal(keyring.macKey(atMs).id, id)
      assert.equal(keyring.sealKey(atMs).kid, secret.seal[0]?.kid)
    }
    assert.equal(keyring.publicKeys.length, 4)
    assert.equal(keyring.macKeys.length, 2)
    assert.equal(keyring.sealKeys.length, 2)
  })

  test('macKeysBetween returns the keys used in an interval, the latest first', async () => {
    const keyring = await readKeyring(handedOver(seconds + 900))
    const ids = (fromMs: number, toMs: number) => keyring.macKeysBetween(fromMs, toMs).map(({ id }) => id)
    assert.deepEqual(ids(now, now + 899_999), [1])
    assert.deepEqual(ids(now + 899_999, now + 900_000), [7, 1])
    assert.deepEqual(ids(now + 900_000, now + 1_800_000), [7])
  })

  test("before the first key's time the current key is used", async () => {
    const keyring = await readKeyring(one)
    assert.equal(keyring.macKey(0).id, 1)
    assert.equal(keyring.signingKey('ES256', 0).kid, parse(one).signing[0]?.kid)
  })

  /** As keyrings were written before keys rotated. */
  function ofVersion1(): string {
    const bare = ({ kid, alg, jwk, id, key, status }: Record<string, unknown>) => ({ status, kid, alg, jwk, id, key })
    const current = (keys: Life[]) => keys.filter(({ status }) => status === 'current').map((key) => bare({ ...key }))
    const { signing, mac, seal } = parse(one)
    return JSON.stringify({ version: 1, signing: current(signing), mac: current(mac), seal: current(seal) })
  }

  test('a keyring of version 1 is read as one whose keys have always been used', async () => {
    const keyring = await readKeyring(ofVersion1())
    for (const atMs of [0, now]) {
      assert.equal(keyring.signingKey('RS256', atMs).kid, parse(one).signing[1]?.kid)
      assert.ok(keyring.macKey(atMs).key.equals(createSecretKey(parse(one).mac[0]!.key, 'base64url')))
      assert.equal(keyring.sealKey(atMs).kid, parse(one).seal[0]?.kid)
    }
    assert.equal(keyring.publicKeys.length, 2)
  })

  test('a keyring without a current key, or of an unknown version, is refused', async () => {
    const idle = parse(one).mac.map((key) => ({ ...key, status: 'next' }))
    assert.throws(() => readKeyring(JSON.stringify({ ...parse(one), mac: idle })), /no current key/)
    const unsigned = await readKeyring(JSON.stringify({ ...parse(one), signing: [] }))
    assert.throws(() => unsigned.signingKey('ES256', now), /no current key/)
    assert.throws(() => readKeyring(JSON.stringify({ ...parse(one), version: 3 })), /version/)
    assert.throws(() => readKeyring('placeholder'))
  })
})

describe('how it is kept', () => {
  function kept(texts: () => Promise<string>) {
    const clock = { now: 1_000_000, reads: 0 }
    const get = cachedKeyring(
      () => {
        clock.reads += 1
        return texts()
      },
      () => clock.now,
    )
    return { clock, get }
  }
  const kidOf = async (get: ReturnType<typeof cachedKeyring>) => (await get()).signingKey('ES256', now).kid

  test('the keyring is cached for five minutes', async () => {
    let text = one
    const { clock, get } = kept(async () => text)
    assert.equal(await kidOf(get), parse(one).signing[0]?.kid)
    text = other
    clock.now += 299_999
    assert.equal(await kidOf(get), parse(one).signing[0]?.kid)
    assert.equal(clock.reads, 1)
    clock.now += 1
    assert.equal(await kidOf(get), parse(other).signing[0]?.kid)
    assert.equal(clock.reads, 2)
  })

  test('a caller that needs a newer keyring causes one read, other callers none', async () => {
    let text = one
    const { clock, get } = kept(async () => text)
    await get()
    text = other
    clock.now += 10_000
    await get(10_000)
    assert.equal(clock.reads, 1, 'young enough')
    clock.now += 1
    assert.equal((await get(10_000)).signingKey('ES256', now).kid, parse(other).signing[0]?.kid)
    assert.equal(clock.reads, 2)
    await get()
    assert.equal(clock.reads, 2)
  })

  test('a caller that needs a newer keyring gets the error if it cannot be read', async () => {
    let fails = false
    const { clock, get } = kept(async () => {
      if (fails) throw new Error('no answer')
      return one
    })
    await get()
    fails = true
    clock.now += 10_001
    await assert.rejects(get(10_000), { message: 'no answer' })
    assert.equal(await kidOf(get), parse(one).signing[0]?.kid)
  })

  test('concurrent requests read the keyring once', async () => {
    const { clock, get } = kept(async () => one)
    const keyrings = await Promise.all(Array.from({ length: 20 }, get))
    assert.equal(clock.reads, 1)
    assert.equal(new Set(keyrings).size, 1)
    clock.now += 300_000
    await Promise.all(Array.from({ length: 20 }, get))
    assert.equal(clock.reads, 2)
  })

  test('if the keyring cannot be read the cached one is used, and reading is retried after ten seconds', async () => {
    let source: () => Promise<string> = async () => one
    const { clock, get } = kept(() => source())
    const first = await get()
    clock.now += 300_000
    source = async () => Promise.reject(new Error('away'))
    assert.equal(await get(), first)
    assert.equal(await get(), first)
    assert.equal(clock.reads, 2)
    clock.now += 9_999
    assert.equal(await get(), first)
    assert.equal(clock.reads, 2)
    clock.now += 1
    source = async () => other
    assert.equal(await kidOf(get), parse(other).signing[0]?.kid)
    assert.equal(clock.reads, 3)
  })

  test('an invalid secret does not replace the cached keyring', async () => {
    let text = one
    const { clock, get } = kept(async () => text)
    const first = await get()
    text = 'placeholder'
    clock.now += 300_000
    assert.equal(await get(), first)
  })

  test('without a cached keyring the error is thrown, and the next request reads again', async () => {
    let source = async () => Promise.reject<string>(new Error('away'))
    const { clock, get } = kept(() => source())
    await assert.rejects(get(), /away/)
    await assert.rejects(get(), /away/)
    assert.equal(clock.reads, 2)
    source = async () => one
    assert.ok(await get())
  })
})
