/** The keys of workload identities' issuers: when they are fetched, how long they serve, and which answers are refused. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  createIssuerKeys,
  emptyPauseMs,
  freshMs,
  maxAnswerBytes,
  pauseMs,
  staleMs,
} from '../../shared/tokens/issuer-keys.ts'
import { type IssuerKey, usableKeys } from '../../shared/tokens/workload-token.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import {
  newPlatformKey,
  type PlatformIssuer,
  type PlatformKey,
  type Platforms,
  startPlatforms,
} from '../support/platform-issuer.ts'
import { sharedKeys } from '../support/rsa-keys.ts'

let platforms: Platforms
let first: PlatformKey
let second: PlatformKey
before(async () => {
  platforms = await startPlatforms()
  first = await newPlatformKey('ES256', 'first')
  second = await newPlatformKey('ES384', 'second')
})
after(() => platforms.stop())

let count = 0
/** An issuer of the test's own, its cache, and a clock. */
function rig(timeoutMs?: number) {
  count += 1
  const issuer = platforms.issuer(`issuer-${count}`, first)
  let now = 1_790_000_000_000
  const keys = createIssuerKeys(
    () => now,
    (cause, wait, words) => new Unavailable('issuer', cause, wait, words),
    timeoutMs,
  )
  const get = (kid = 'first') => keys.get(issuer.issuer, (known) => !known.some((key) => key.kid === kid))
  return { issuer, get, advance: (ms: number) => (now += ms) }
}

const names = (keys: readonly IssuerKey[]) => keys.map(({ kid }) => kid)
const away = (issuer: PlatformIssuer) => {
  issuer.broken = () => 'hang-up'
}
async function unavailable(promise: Promise<unknown>): Promise<Unavailable> {
  const error = await promise.then(
    () => assert.fail('keys were answered'),
    (failure: unknown) => failure,
  )
  assert.ok(error instanceof Unavailable, String(error))
  assert.equal(error.part, 'issuer')
  return error
}

describe('fetching', () => {
  test('fifty callers at once with a cold cache make one request for the metadata and one for the keys', async () => {
    const { issuer, get } = rig()
    const answers = await Promise.all(Array.from({ length: 50 }, () => get()))
    assert.deepEqual(new Set(answers.flatMap(names)), new Set(['first']))
    assert.deepEqual(issuer.asked, { metadata: 1, jwks: 1 })
  })

  test('cached keys ask nobody until they are no longer fresh', async () => {
    const { issuer, get, advance } = rig()
    await get()
    advance(freshMs - 1)
    await get()
    assert.equal(issuer.asked.jwks, 1)
    issuer.keys = [second]
    advance(1)
    assert.deepEqual(names(await get('second')), ['second'])
    assert.equal(issuer.asked.jwks, 2)
  })

  test('an unknown key makes one request at once, whoever asks for it, and none in the pause after that', async () => {
    const { issuer, get, advance } = rig()
    await get()
    issuer.keys = [first, second]
    const answers = await Promise.all(Array.from({ length: 20 }, () => get('second')))
    assert.deepEqual(answers.map(names), Array(20).fill(['first', 'second']))
    advance(pauseMs - 1)
    for (let at = 0; at < 20; at += 1) await get(`unknown-${at}`)
    assert.equal(issuer.asked.jwks, 2)
    advance(1)
    for (let at = 0; at < 20; at += 1) await get(`unknown-${at}`)
    assert.equal(issuer.asked.jwks, 3)
  })
})

describe('an issuer that is away', () => {
  test('without cached keys is Unavailable, and is left alone for the time that callers are told to wait', async () => {
    const { issuer, get, advance } = rig()
    away(issuer)
    assert.equal((await unavailable(get())).retryAfterSeconds, emptyPauseMs / 1000)
    await unavailable(get())
    assert.equal(issuer.asked.metadata, 1)
    issuer.broken = undefined
    advance(emptyPauseMs)
    assert.deepEqual(names(await get()), ['first'])
  })

  test('is stood in for by cached keys, and not for longer than they may serve', async () => {
    const { issuer, get, advance } = rig()
    await get()
    away(issuer)
    advance(freshMs)
    assert.deepEqual(names(await get()), ['first'])
    assert.deepEqual(names(await get()), ['first'])
    assert.equal(issuer.asked.metadata, 2, 'it is not asked for every token')
    advance(staleMs - freshMs - 1)
    assert.deepEqual(names(await get()), ['first'])
    advance(1)
    await unavailable(get())
  })

  test('leaves open whose an unknown key is, so that is Unavailable, too', async () => {
    const { issuer, get, advance } = rig()
    await get()
    away(issuer)
    advance(pauseMs)
    assert.equal((await unavailable(get('second'))).retryAfterSeconds, pauseMs / 1000)
    assert.deepEqual(names(await get()), ['first'])
  })
})

describe('an issuer that is slow', () => {
  test('is given up after a limit for metadata and keys together, in the middle of an answer too', async () => {
    for (const slow of ['metadata', 'jwks'] as const) {
      const { issuer, get } = rig(100)
      issuer.broken = (what) => (what === slow ? 'stall' : undefined)
      const startedAt = performance.now()
      const { operatorMessage } = await unavailable(get())
      assert.ok(performance.now() - startedAt < 2_000)
      assert.match(operatorMessage ?? '', /has not answered in time/)
    }
  })

  test('keeps nobody waiting who can be served from the cache', async () => {
    const { issuer, get, advance } = rig(60_000)
    await get()
    advance(pauseMs)
    issuer.broken = () => 'stall'
    const waiting = get('unknown')
    waiting.catch(() => {})
    assert.deepEqual(names(await get()), ['first'])
  })
})

describe('a wrong answer is refused, and the operator is told in words', () => {
  const body = (value: unknown) => () => ({ body: JSON.stringify(value) })
  const cases: Record<string, readonly [PlatformIssuer['broken'], RegExp]> = {
    'a redirect of the metadata': [
      () => ({ status: 302, headers: { location: '/elsewhere' } }),
      /metadata is a redirect/,
    ],
    'a redirect of the keys': [
      (what) => (what === 'jwks' ? { status: 307, headers: { location: '/elsewhere' } } : undefined),
      /jwks is a redirect/,
    ],
    'another issuer': [body({ issuer: 'https://other.example', jwks_uri: 'https://other.example/jwks' }), /issuer/],
    'metadata that is too long': [() => ({ body: ' '.repeat(maxAnswerBytes + 1) }), /longer/],
    'a key set that is too long': [
      (what) => (what === 'jwks' ? { body: `{"keys":[],"x":"${'x'.repeat(maxAnswerBytes)}"}` } : undefined),
      /jwks is longer/,
    ],
    'too many keys': [(what) => (what === 'jwks' ? body({ keys: Array(101).fill({}) })() : undefined), /too many/],
    'no keys': [(what) => (what === 'jwks' ? body({})() : undefined), /no keys/],
    'no JSON': [() => ({ body: '<html>' }), /not JSON/],
    'a list': [(what) => (what === 'jwks' ? body(null)() : undefined), /not an object/],
    'not found': [() => ({ status: 404 }), /status 404/],
  }
  for (const [name, [broken, words]] of Object.entries(cases)) {
    test(`${name}`, async () => {
      const { issuer, get } = rig()
      issuer.broken = broken
      assert.match((await unavailable(get())).operatorMessage ?? '', words)
    })
  }

  test('keys at an address without TLS, or that is no URL', async () => {
    for (const jwksUri of ['http://keys.example/jwks', 'file:///etc/passwd', 'keys', 7, 'https://u:p@keys.example/']) {
      const { issuer, get } = rig()
      issuer.broken = () => ({ body: JSON.stringify({ issuer: issuer.issuer, jwks_uri: jwksUri }) })
      assert.match((await unavailable(get())).operatorMessage ?? '', /jwks/)
    }
  })
})

test('of a key set only public keys of known kinds and for signatures are used, with no more than their public members', () => {
  const rsa = sharedKeys().publicKey.export({ format: 'jwk' })
  const keys = [
    first.jwk,
    { ...first.jwk, use: 'enc' },
    { kty: 'oct', k: 'c2VjcmV0' },
    { ...first.jwk, crv: 'secp256k1' },
    { ...first.jwk, x: 'AAAA' },
    { kty: 'RSA', n: 'AQAB', e: 'AQAB' },
    { ...rsa, e: 'AQ' },
    { ...rsa, e: 'AQAA' },
    null,
    'key',
  ]
  const { kty, crv, x, y } = first.jwk
  assert.deepEqual(usableKeys(keys), [{ kty, crv, x, y, kid: 'first' }])
})
