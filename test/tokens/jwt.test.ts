import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { signJwt } from '../../shared/tokens/jwt.ts'
import { sharedKeys } from '../support/rsa-keys.ts'

const signingKeys = [
  { kid: 'one', alg: 'ES256', key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
  { kid: 'two', alg: 'RS256', key: sharedKeys().privateKey },
] as const

/** What a claim of ours can be, names from a provider in any script among it. */
const claim = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.array(fc.string()))
/** None of them one that jose judges by itself, such as exp. */
const name = fc.string().map((text) => `of ours ${text}`)
const claims = fc.dictionary(name, claim)

test('ES256: R and S with leading zeros keep their 32 bytes', () => {
  const [signingKey] = signingKeys
  const key = { key: createPublicKey(signingKey.key), dsaEncoding: 'ieee-p1363' } as const
  let zeros = 0
  for (let count = 0; zeros < 4 && count < 20_000; count++) {
    const token = signJwt(signingKey, 'JWT', { count })
    const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url')
    assert.equal(signature.length, 64)
    if (signature[0] !== 0 && signature[32] !== 0) continue
    zeros += 1
    assert.ok(verify('sha256', Buffer.from(token.slice(0, token.lastIndexOf('.'))), key, signature))
  }
  assert.equal(zeros, 4)
})

for (const signingKey of signingKeys) {
  const { alg, kid, key } = signingKey

  test(`${alg}: a signed JWT verifies with the same header and claims`, async () => {
    await fc.assert(
      fc.asyncProperty(claims, async (told) => {
        const token = signJwt(signingKey, 'JWT', told)
        // RFC 7515 §2: base64url without padding.
        assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/)
        const { payload, protectedHeader } = await jwtVerify(token, createPublicKey(key), { algorithms: [alg] })
        assert.deepEqual(protectedHeader, { typ: 'JWT', alg, kid })
        assert.equal(JSON.stringify(payload), JSON.stringify(told))
      }),
      { numRuns: 50 },
    )
  })

  test(`${alg}: a JWT with a changed claim does not verify`, async () => {
    const [header, , signature] = signJwt(signingKey, 'at+jwt', { sub: 'ada' }).split('.')
    const forged = [header, Buffer.from('{"sub":"eve"}').toString('base64url'), signature].join('.')
    assert.equal(decodeProtectedHeader(forged).typ, 'at+jwt')
    await assert.rejects(jwtVerify(forged, createPublicKey(key)), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  })
}
