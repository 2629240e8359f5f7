/**
 * The keyring: what is drawn, which key is picked, and how a warm Lambda keeps it.
 */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { exportJWK } from 'jose'
import { generateKeyring, keptKeyring, readKeyring } from '../../shared/tokens/keyring.ts'

type Secret = {
  version: number
  signing: { status: string; kid: string; alg: string; jwk: Record<string, string> }[]
  mac: { status: string; id: number; key: string }[]
  seal: { status: string; kid: string; key: string }[]
}

let one: string
let other: string
before(async () => {
  ;[one, other] = await Promise.all([generateKeyring(), generateKeyring()])
})
const parse = (text: string) => JSON.parse(text) as Secret

describe('what is drawn', () => {
  test('a keyring has a key of each kind, 256 bits and a 2048-bit RSA key, and no two keyrings share one', () => {
    const [secret, second] = [parse(one), parse(other)]
    assert.deepEqual(
      secret.signing.map(({ alg, status }) => [alg, status]),
      [
        ['ES256', 'current'],
        ['RS256', 'current'],
      ],
    )
    for (const { key } of [...secret.mac, ...secret.seal]) assert.equal(Buffer.from(key, 'base64url').length, 32)
    assert.equal(Buffer.from(secret.signing[1]?.jwk.n ?? '', 'base64url').length, 256)
    assert.equal(secret.signing[0]?.jwk.crv, 'P-256')
    const material = ({ signing, mac, seal }: Secret) => [
      ...signing.map(({ kid, jwk }) => `${kid} ${jwk.d}`),
      ...[...mac, ...seal].map(({ key }) => key),
    ]
    assert.equal(new Set([...material(secret), ...material(second)]).size, 8)
  })
})

describe('what is read', () => {
  test('the public halves are published, each with kid, use and alg, and nothing private', async () => {
    const { publicKeys } = await readKeyring(one)
    const { signing } = parse(one)
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

  test('the private key that signs does not leave it', async () => {
    const { key } = (await readKeyring(one)).signingKey('ES256')
    assert.equal(key.extractable, false)
    await assert.rejects(exportJWK(key))
  })

  /** Two keyrings in one: the first's keys with these statuses, then the second's. */
  function merged(first: string, second: string): string {
    const [a, b] = [parse(one), parse(other)]
    const marked = <Stored extends { status: string }>(stored: Stored[], status: string) =>
      stored.map((key) => ({ ...key, status }))
    return JSON.stringify({
      version: 1,
      signing: [...marked(a.signing, first), ...marked(b.signing, second)],
      mac: [...marked(a.mac, first), ...marked(b.mac, second).map((key) => ({ ...key, id: 2 }))],
      seal: [...marked(a.seal, first), ...marked(b.seal, second)],
    })
  }

  for (const [first, second] of [
    ['next', 'current'],
    ['previous', 'current'],
    ['current', 'next'],
    ['current', 'previous'],
  ] as const) {
    test(`of a ${first} and a ${second} key the current one is used, and both are published and known`, async () => {
      const keyring = await readKeyring(merged(first, second))
      const [current, kept] = first === 'current' ? [parse(one), parse(other)] : [parse(other), parse(one)]
      for (const [at, alg] of (['ES256', 'RS256'] as const).entries()) {
        assert.equal(keyring.signingKey(alg).kid, current.signing[at]?.kid)
      }
      assert.equal(keyring.publicKeys.length, 4)
      assert.deepEqual(
        keyring.macKeys.map(({ id }) => id),
        first === 'current' ? [1, 2] : [2, 1],
      )
      assert.deepEqual(keyring.macKeys[0].key, Buffer.from(current.mac[0]?.key ?? '', 'base64url'))
      assert.deepEqual(
        keyring.sealKeys.map(({ kid }) => kid),
        [current.seal[0]?.kid, kept.seal[0]?.kid],
      )
    })
  }

  test('without a current key of a kind it is no keyring to work with', async () => {
    await assert.rejects(readKeyring(merged('next', 'previous')), /no current key/)
    const unsigned = await readKeyring(JSON.stringify({ ...parse(one), signing: [] }))
    assert.throws(() => unsigned.signingKey('ES256'), /no current key/)
    await assert.rejects(readKeyring('placeholder'))
  })
})

describe('how it is kept', () => {
  function kept(texts: () => Promise<string>) {
    const clock = { now: 1_000_000, reads: 0 }
    const get = keptKeyring(
      () => {
        clock.reads += 1
        return texts()
      },
      () => clock.now,
    )
    return { clock, get }
  }
  const kidOf = async (get: () => ReturnType<typeof readKeyring>) => (await get()).signingKey('ES256').kid

  test('it is read once, and again after five minutes', async () => {
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

  test('requests that come at once read it once', async () => {
    const { clock, get } = kept(async () => one)
    const keyrings = await Promise.all(Array.from({ length: 20 }, get))
    assert.equal(clock.reads, 1)
    assert.equal(new Set(keyrings).size, 1)
    clock.now += 300_000
    await Promise.all(Array.from({ length: 20 }, get))
    assert.equal(clock.reads, 2)
  })

  test('when the secret cannot be read the one at hand serves on, and is asked for again ten seconds later', async () => {
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

  test('a secret that became unreadable does not replace the one at hand', async () => {
    let text = one
    const { clock, get } = kept(async () => text)
    const first = await get()
    text = 'placeholder'
    clock.now += 300_000
    assert.equal(await get(), first)
  })

  test('with none at hand the failure is thrown, and the next request tries again', async () => {
    let source = async () => Promise.reject<string>(new Error('away'))
    const { clock, get } = kept(() => source())
    await assert.rejects(get(), /away/)
    await assert.rejects(get(), /away/)
    assert.equal(clock.reads, 2)
    source = async () => one
    assert.ok(await get())
  })
})
