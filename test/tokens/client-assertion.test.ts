import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import {
  CompactSign,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { issuerOf } from '../../shared/domain/client-assertion.ts'
import type { PublicJwk } from '../../shared/domain/registration.ts'
import { verifyAssertion } from '../../shared/tokens/client-assertion.ts'
import { anyCharacter } from '../support/any-character.ts'
import { now } from '../support/families.ts'

const issuer = 'https://auth.example/demo'
const tokenEndpoint = `${issuer}/oauth/token`
const nowSeconds = now / 1000
const good: JWTPayload = { iss: 'robot', sub: 'robot', aud: issuer, exp: nowSeconds + 60, jti: 'one' }

type Pair = { readonly privateKey: CryptoKey; readonly jwk: PublicJwk }
async function pair(alg: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, jwk: (await exportJWK(publicKey)) as PublicJwk }
}

let ec: Pair
let other: Pair
let rsa: Pair
let pss: Pair
let ed: Pair
before(async () => {
  ;[ec, other] = [await pair('ES256'), await pair('ES256')]
  ;[rsa, pss, ed] = [await pair('RS256'), await pair('PS256'), await pair('EdDSA')]
})

/** An assertion that differs in these claims; undefined takes one out. */
function signed(claims: Record<string, unknown> = {}, header: Partial<JWTHeaderParameters> = {}, { privateKey } = ec) {
  const payload = JSON.parse(JSON.stringify({ ...good, ...claims })) as JWTPayload
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', ...header }).sign(privateKey)
}

async function verdict(assertion: string, keys: readonly PublicJwk[] = [ec.jwk], clientId = 'robot'): Promise<string> {
  const found = await verifyAssertion(assertion, { clientId, keys, issuer, now })
  return found.holds ? `${found.jti} until ${found.expiresAtSeconds - nowSeconds}` : found.fault
}

describe('claims', () => {
  const cases: Record<string, readonly [Record<string, unknown>, string]> = {
    'as they should be': [{}, 'one until 60'],
    'the issuer as a list of one': [{ aud: [issuer] }, 'one until 60'],
    'nbf and iat of now': [{ nbf: nowSeconds, iat: nowSeconds }, 'one until 60'],
    'nbf and iat of a clock that is half a minute ahead': [
      { nbf: nowSeconds + 30, iat: nowSeconds + 30 },
      'one until 60',
    ],
    'what else there may be': [{ scope: 'x', nonce: 1 }, 'one until 60'],
    'a part of a second': [{ exp: nowSeconds + 0.5 }, 'one until 0.5'],
    'ten minutes, by a clock that is half a minute ahead': [{ exp: nowSeconds + 630 }, 'one until 630'],
    'the longest jti': [{ jti: 'j'.repeat(256) }, `${'j'.repeat(256)} until 60`],

    'no exp': [{ exp: undefined }, 'exp'],
    'an exp of now': [{ exp: nowSeconds }, 'exp'],
    'an exp a second ago': [{ exp: nowSeconds - 1 }, 'exp'],
    'an exp long ago': [{ exp: nowSeconds - 1000 }, 'exp'],
    'an exp that is too far ahead': [{ exp: nowSeconds + 631 }, 'exp'],
    'an exp that is text': [{ exp: 'tomorrow' }, 'exp'],
    'an nbf to come': [{ nbf: nowSeconds + 31 }, 'nbf'],
    'an iat to come': [{ iat: nowSeconds + 31 }, 'iat'],
    'an iat that is text': [{ iat: 'now' }, 'iat'],
    'no jti': [{ jti: undefined }, 'jti'],
    'an empty jti': [{ jti: '' }, 'jti'],
    'a jti that is a number': [{ jti: 7 }, 'jti'],
    'a jti that is too long': [{ jti: 'j'.repeat(257) }, 'jti'],
    'the token endpoint as audience': [{ aud: tokenEndpoint }, 'aud'],
    'the token endpoint beside the issuer': [{ aud: [tokenEndpoint, issuer] }, 'aud'],
    'the issuer twice': [{ aud: [issuer, issuer] }, 'aud'],
    'a list in the list': [{ aud: [[issuer]] }, 'aud'],
    'no aud': [{ aud: undefined }, 'aud'],
    'no aud in the list': [{ aud: [] }, 'aud'],
    "another application's issuer": [{ aud: 'https://auth.example/other' }, 'aud'],
    'a near miss': [{ aud: `${issuer}/` }, 'aud'],
    'somebody else beside us': [{ aud: [issuer, 'https://other.example'] }, 'aud'],
    'an aud that is no text': [{ aud: [issuer, 7] }, 'aud'],
    'no iss': [{ iss: undefined }, 'iss'],
    "another client's iss": [{ iss: 'other' }, 'iss'],
    'no sub': [{ sub: undefined }, 'sub'],
    'another sub': [{ sub: 'ada' }, 'sub'],
  }
  for (const [name, [claims, expected]] of Object.entries(cases)) {
    test(`an assertion with ${name}: ${expected.slice(0, 20)}`, async () =>
      assert.equal(await verdict(await signed(claims)), expected))
  }

  test('an assertion with an infinite exp is refused', async () => {
    const payload = Buffer.from(JSON.stringify(good).replace(/"exp":\d+/, '"exp":1e400'))
    const endless = await new CompactSign(payload).setProtectedHeader({ alg: 'ES256' }).sign(ec.privateKey)
    assert.equal(await verdict(endless), 'exp')
  })
})

describe('signatures', () => {
  const forged = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'

  test('an assertion of each algorithm verifies with a key of its type', async () => {
    for (const [alg, key] of [
      ['ES256', ec],
      ['RS256', rsa],
      ['PS256', pss],
      ['EdDSA', ed],
      ['Ed25519', ed],
    ] as const) {
      assert.equal(await verdict(await signed({}, { alg }, key), [key.jwk]), 'one until 60', alg)
    }
  })

  test('an assertion is refused if its RSA key is registered for another algorithm', async () => {
    const only = (alg: 'RS256' | 'PS256') => [{ ...pss.jwk, alg }] as PublicJwk[]
    const assertion = await signed({}, { alg: 'PS256' }, pss)
    assert.equal(await verdict(assertion, only('PS256')), 'one until 60')
    assert.equal(await verdict(assertion, only('RS256')), forged)
  })

  test('the key of an assertion is found among several, with or without a kid', async () => {
    const keys = [{ ...other.jwk, kid: 'b' }, rsa.jwk, { ...ec.jwk, kid: 'a' }]
    assert.equal(await verdict(await signed(), keys), 'one until 60')
    assert.equal(await verdict(await signed({}, { kid: 'a' }), keys), 'one until 60')
    assert.equal(await verdict(await signed({}, { kid: 'b' }), keys), forged)
    assert.equal(await verdict(await signed({}, { kid: 'a' }), [other.jwk, ec.jwk]), 'one until 60')
  })

  test('an assertion signed by an unregistered key, or one in its own header, is refused', async () => {
    assert.equal(await verdict(await signed({}, {}, other)), forged)
    assert.equal(await verdict(await signed(), []), forged)
    assert.equal(await verdict(await signed({}, { jwk: await exportJWK(other.privateKey) }, other)), forged)
  })

  test('an assertion with alg none, a MAC or an unlisted algorithm is refused', async () => {
    const [, payload] = (await signed()).split('.')
    const forge = (alg: string, signature: (input: string) => string) => {
      const input = `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${payload}`
      return `${input}.${signature(input)}`
    }
    assert.equal(await verdict(forge('none', () => '')), forged)
    for (const secret of [JSON.stringify(ec.jwk), 'x' in ec.jwk ? ec.jwk.x : '']) {
      const mac = (input: string) => createHmac('sha256', secret).update(input).digest('base64url')
      assert.equal(await verdict(forge('HS256', mac)), forged)
    }
    const rs512 = await pair('RS512')
    assert.equal(await verdict(await signed({}, { alg: 'RS512' }, rs512), [rs512.jwk]), forged)
  })

  test('an assertion may be typed as RFC 7523 and its successor do, and no other kind of JWT is accepted as one', async () => {
    for (const typ of ['JWT', 'jwt', 'client-authentication+jwt', 'application/client-authentication+jwt']) {
      assert.equal(await verdict(await signed({}, { typ })), 'one until 60', typ)
    }
    for (const typ of ['oauth-authz-req+jwt', 'dpop+jwt', 'at+jwt', 'application/at+jwt', 'logout+jwt', '']) {
      assert.equal(await verdict(await signed({}, { typ })), 'typ', typ)
    }
    assert.equal(await verdict(await signed({}, JSON.parse('{"typ": ["JWT"]}'))), 'typ')
  })

  test('an assertion with an unknown crit is refused', async () => {
    const payload = { ...good } as JWTPayload
    const critical = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', crit: ['x'], x: 1 })
      .sign(ec.privateKey, { crit: { x: true } })
    assert.equal(await verdict(critical), 'ERR_JOSE_NOT_SUPPORTED')
  })
})

describe('any text', () => {
  test('issuerOf reads the iss of an assertion, if it can be a client id', async () => {
    assert.equal(issuerOf(await signed()), 'robot')
    for (const iss of [undefined, 7, null, ['robot'], 'a\0b', '\ud800']) {
      assert.equal(issuerOf(await signed({ iss })), undefined, String(iss))
    }
  })

  test('no other text throws or verifies as an assertion', async () => {
    const part = fc.oneof(
      fc.base64String(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
    )
    const jwtLike = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.'))
    await fc.assert(
      fc.asyncProperty(fc.oneof(jwtLike, fc.string({ unit: anyCharacter })), async (text) => {
        issuerOf(text)
        assert.match(await verdict(text), /^ERR_/)
      }),
      { numRuns: 300 },
    )
  })

  test('verifyAssertion rethrows a fault of the broker', async () => {
    const broken = [{ ...ec.jwk, x: 'no point' }] as PublicJwk[]
    await assert.rejects(verifyAssertion(await signed(), { clientId: 'robot', keys: broken, issuer, now }))
  })
})
