import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { signIdToken } from '../../shared/tokens/id-token.ts'
import { type Keyring, readKeyring } from '../../shared/tokens/keyring.ts'
import { generateKeyring } from '../../shared/tokens/keyring-secret.ts'
import { subjectOfIdToken } from '../../shared/tokens/verify-id-token.ts'
import { now } from '../support/families.ts'

const claims = {
  iss: 'https://auth.example/demo',
  sub: 'ada',
  aud: 'web',
  sid: 'the session',
  auth_time: 1_700_000_000,
}

let keyring: Keyring
before(async () => {
  keyring = await readKeyring(await generateKeyring(now))
})

for (const alg of ['RS256', 'ES256'] as const) {
  test(`${alg}: an ID token verifies with the published keys for an hour, and has the given claims`, async () => {
    const token = await signIdToken(keyring, alg, { ...claims, nonce: 'n-0S6_WzA2Mj' }, now + 999)
    const published = createLocalJWKSet({ keys: [...keyring.publicKeys] })
    const options = { issuer: claims.iss, audience: 'web', currentDate: new Date(now) }
    const { payload, protectedHeader } = await jwtVerify(token, published, options)
    const iat = now / 1000
    assert.deepEqual(payload, { ...claims, nonce: 'n-0S6_WzA2Mj', iat, exp: iat + 3600 })
    assert.deepEqual(protectedHeader, { typ: 'JWT', alg, kid: keyring.signingKey(alg, now).kid })
    await assert.rejects(jwtVerify(token, published, { ...options, currentDate: new Date(now + 3_600_000) }))
  })
}

test('an ID token is an id_token_hint for its issuer and client, even if expired', async () => {
  const token = signIdToken(keyring, 'RS256', claims, now - 400 * 86_400_000)
  assert.equal(await subjectOfIdToken(keyring, claims.iss, 'web', token), 'ada')
  assert.equal(await subjectOfIdToken(keyring, claims.iss, 'spa', token), undefined)
  assert.equal(await subjectOfIdToken(keyring, 'https://auth.example/other', 'web', token), undefined)
  const other = readKeyring(await generateKeyring(now))
  assert.equal(await subjectOfIdToken(other, claims.iss, 'web', token), undefined)
})

test('an ID token has no nonce if the request had none', async () => {
  const token = await signIdToken(keyring, 'RS256', claims, now)
  const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object
  assert.ok(!('nonce' in payload))
})
