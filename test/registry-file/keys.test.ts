import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, test } from 'node:test'
import { application, client, file, inClient, type Json, registryOf } from '../support/registry-file.ts'
import { sharedKeys } from '../support/rsa-keys.ts'

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
const jwkOf = (key: KeyObject): Json => ({ ...key.export({ format: 'jwk' }) })
const ec: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa: Pair = sharedKeys()
const ed: Pair = generateKeyPairSync('ed25519')
const publicJwks = [ec, rsa, ed].map(({ publicKey }) => jwkOf(publicKey))

const withKeys = (...keys: unknown[]) => ({ auth: 'private_key_jwt', jwks: { keys } })
const placesIn = (...keys: unknown[]) => inClient(withKeys(...keys)).map(({ where }) => where.split('jwks.keys')[1])
const whysIn = (...keys: unknown[]) => inClient(withKeys(...keys)).map(({ why }) => why)

describe('a key', () => {
  test('a client may have up to four keys of P-256, RSA or Ed25519', () => {
    const { clients } = registryOf(file(application({}, client(withKeys(...publicJwks)))))
    assert.deepEqual(clients[0]?.jwks, { keys: publicJwks })
    assert.deepEqual(placesIn(...publicJwks, publicJwks[0]), [])
    assert.equal(inClient(withKeys(...publicJwks, ...publicJwks)).length, 1)
  })

  test("a client's key may have kid, use and alg, and other members are dropped", () => {
    const named = { ...jwkOf(rsa.publicKey), kid: 'a', alg: 'PS256', use: 'sig' }
    const more = { ...named, x5t: 'x', key_ops: ['verify'], ext: true }
    const { clients } = registryOf(file(application({}, client(withKeys(more)))))
    assert.deepEqual(clients[0]?.jwks.keys, [named])
  })

  test('a private key is refused with the place of each private member', () => {
    assert.deepEqual(placesIn(jwkOf(ec.publicKey), jwkOf(ec.privateKey)), ['[1].d'])
    assert.deepEqual(placesIn(jwkOf(ed.privateKey)), ['[0].d'])
    assert.deepEqual(
      placesIn(jwkOf(rsa.privateKey)).sort(),
      ['d', 'dp', 'dq', 'p', 'q', 'qi'].map((name) => `[0].${name}`),
    )
    for (const { privateKey } of [ec, rsa, ed]) {
      const { d } = jwkOf(privateKey)
      assert.ok(!JSON.stringify(inClient(withKeys(jwkOf(privateKey)))).includes(String(d)))
    }
  })

  const wrong: Record<string, Json> = {
    'of no kind': {},
    'a secret for a MAC': { kty: 'oct', k: 'c2VjcmV0' },
    'of another curve': jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey),
    'for encryption': { ...publicJwks[0], use: 'enc' },
    'no point of its curve': { ...publicJwks[0], x: publicJwks[0]?.y },
    'too short': jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
    'with the exponent 1': { ...publicJwks[1], e: 'AQ' },
    'with an even exponent': { ...publicJwks[1], e: 'AQAA' },
    'for an algorithm that is not taken': { ...publicJwks[1], alg: 'RS512' },
    'without a part': { ...publicJwks[1], e: undefined },
    'in another alphabet': { ...publicJwks[2], x: '+/+/' },
    'with an empty name': { ...publicJwks[0], kid: '' },
  }
  for (const [name, key] of Object.entries(wrong)) {
    test(`${name} is a mistake at its place, and is not quoted`, () => {
      const mistakes = inClient(withKeys(publicJwks[2], key))
      assert.ok(mistakes.length > 0)
      for (const { where } of mistakes) assert.match(where, /^applications\[0\]\.clients\[0\]\.jwks\.keys\[1\]/)
      for (const value of Object.values(key).filter((part) => String(part).length > 20)) {
        assert.ok(!JSON.stringify(mistakes).includes(String(value)))
      }
    })
  }

  test('a missing key, or a string instead of one, is a mistake', () => {
    assert.ok(whysIn().some((why) => why.includes('needs a key')))
    assert.ok(inClient({ auth: 'private_key_jwt' }).length === 1)
    assert.deepEqual(placesIn('a key'), ['[0]'])
  })
})

describe('a client', () => {
  test('a client has a key or a secret by its auth, and not both', () => {
    assert.equal(inClient({ ...withKeys(publicJwks[0]), secrets: ['x'] }).length, 1)
    const jwks = { keys: [publicJwks[0]] }
    assert.equal(inClient({ auth: 'client_secret_basic', secrets: ['x'], jwks }).length, 1)
    assert.equal(inClient({ auth: 'none', jwks }).length, 1)
  })

  test('a client with a key may introspect and use client_credentials; a public one may not', () => {
    const grants = ['client_credentials']
    assert.deepEqual(inClient({ ...withKeys(publicJwks[0]), mayIntrospect: true, grants }), [])
    assert.deepEqual(inClient({ auth: 'client_secret_post', secrets: ['x'], grants }), [])
    assert.equal(inClient({ grants }).length, 1)
  })

  test('a client without key and secret has empty lists in its record, so that the table forgets former ones', () => {
    const { clients } = registryOf(file(application({}, client())))
    assert.deepEqual([clients[0]?.jwks, clients[0]?.secretHashes], [{ keys: [] }, []])
  })

  test('a client with client_credentials alone adds no scopes to the metadata', () => {
    const own = { auth: 'client_secret_post', secrets: ['x'], scopes: ['reports:read'] }
    const scopesOf = (...grants: string[]) =>
      registryOf(file(application({}, client({ ...own, grants })))).applications[0]?.scopes
    assert.deepEqual(scopesOf('client_credentials'), [])
    assert.deepEqual(scopesOf('client_credentials', 'refresh_token'), ['reports:read'])
  })
})
