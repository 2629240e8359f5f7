import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isCodeChallenge, isCodeVerifier, s256 } from '../../shared/domain/pkce.ts'

const unreserved = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'

test('PKCE: the challenge of the verifier in RFC 7636 Appendix B', () => {
  assert.equal(s256('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')
})

test('PKCE: 43 to 128 unreserved characters are a verifier, and its S256 is a challenge', () => {
  const verifier = fc.string({ unit: fc.constantFrom(...unreserved), minLength: 43, maxLength: 128 })
  fc.assert(
    fc.property(verifier, (text) => {
      assert.ok(isCodeVerifier(text))
      assert.ok(isCodeChallenge(s256(text)))
    }),
  )
})

test('PKCE: 42 or 129 characters, or a reserved character, are no verifier', () => {
  assert.ok(!isCodeVerifier('a'.repeat(42)))
  assert.ok(isCodeVerifier('a'.repeat(43)))
  assert.ok(isCodeVerifier('a'.repeat(128)))
  assert.ok(!isCodeVerifier('a'.repeat(129)))
  for (const character of '+/= %\n\0é!')
    assert.ok(!isCodeVerifier('a'.repeat(50) + character), JSON.stringify(character))
})

test('PKCE: a challenge is base64url of 32 bytes', () => {
  assert.ok(!isCodeChallenge('a'.repeat(42)))
  assert.ok(!isCodeChallenge('a'.repeat(44)))
  assert.ok(!isCodeChallenge(`${'a'.repeat(42)}=`))
  assert.ok(!isCodeChallenge(`${'a'.repeat(42)}~`))
  assert.ok(!isCodeChallenge(`${'a'.repeat(43)}\n`))
})
