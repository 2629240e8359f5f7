/**
 * M4 and M5 of the cases: access tokens and ID tokens, verified as a resource server and a client would.
 *
 * Owns what is inside the tokens (RFC 9068 §2, OIDC Core §2) and at which application they are good.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { auth0Cli, type Caller, cli, spa, web } from './support/callers.ts'
import { fullScope, issuer, refresh, userinfo } from './support/endpoints.ts'
import { claimsOf, expectChallenge, expectTokens, refreshed } from './support/expect.ts'
import { code, device } from './support/flows.ts'
import { sharedBroker } from './support/shared-broker.ts'

const broker = await sharedBroker()

const audience = 'https://api.example.test'

function keys(application = 'demo'): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(`${issuer(broker, application)}/.well-known/jwks.json`))
}

function verifyAccess(token: string, application = 'demo') {
  return jwtVerify(token, keys(application), {
    issuer: issuer(broker, application),
    audience,
    typ: 'at+jwt',
    algorithms: ['ES256'],
  })
}

test('M4 an access token is a signed at+jwt with the claims of RFC 9068 and its session, for 300 seconds', async () => {
  for (const session of [await device(broker), await code(broker, web), await device(broker, auth0Cli)]) {
    const { payload, protectedHeader } = await verifyAccess(session.accessToken, session.caller.application)
    assert.equal(typeof protectedHeader.kid, 'string')
    assert.equal(payload.client_id, session.caller.clientId)
    assert.equal(payload.scope, fullScope)
    assert.equal(Number(payload.exp) - Number(payload.iat), 300)
    assert.ok(Math.abs(Number(payload.iat) - Date.now() / 1000) < 10)
    for (const claim of ['sub', 'jti', 'sid']) assert.ok(String(payload[claim] ?? '') !== '', claim)
  }
})

test('M4 the lifetime is each client’s own', async () => {
  const { body, accessToken } = await device(broker, { ...cli, clientId: 'brief' })
  const { payload } = await verifyAccess(accessToken)
  assert.deepEqual([body.expires_in, Number(payload.exp) - Number(payload.iat)], [60, 60])
})

test('M4 an access token stays valid by itself after a revocation: only its short life ends it', async () => {
  const { accessToken, refreshToken } = await device(broker)
  await refreshed(broker, cli, refreshToken)
  await refresh(broker, cli, refreshToken)
  await verifyAccess(accessToken)
})

test('M4 an ID token is for the client, RS256, with auth_time and the nonce echoed', async () => {
  for (const caller of [web, spa]) {
    const before = Math.floor(Date.now() / 1000)
    const { idToken, accessToken } = await code(broker, caller, { nonce: 'n-0 ü+/' })
    const { payload } = await jwtVerify(idToken, keys(), {
      issuer: issuer(broker, 'demo'),
      audience: caller.clientId,
      algorithms: ['RS256'],
    })
    assert.equal(payload.nonce, 'n-0 ü+/')
    assert.equal(payload.sub, claimsOf(accessToken).sub)
    assert.ok(Number.isInteger(payload.auth_time) && Number(payload.auth_time) >= before - 5)
    assert.ok(Number(payload.exp) > Number(payload.iat))
  }
})

test('M4 without a nonce there is none; a device’s ID token has auth_time too', async () => {
  const [fromCode, fromDevice] = [await code(broker, web), await device(broker)]
  for (const { idToken } of [fromCode, fromDevice]) {
    assert.equal('nonce' in claimsOf(idToken), false)
    assert.ok(Number.isInteger(claimsOf(idToken).auth_time))
  }
})

test('M4 an ID token is not mistaken for an access token, nor the other way round', async () => {
  const { idToken, accessToken } = await device(broker)
  await assert.rejects(verifyAccess(idToken))
  await assert.rejects(jwtVerify(accessToken, keys(), { audience: 'cli' }))
})

test('M5 application A’s access token is refused at B', async () => {
  const [here, there] = [await device(broker, cli), await device(broker, auth0Cli)]
  expectChallenge(await userinfo(broker, 'auth0like', here.accessToken), 401, 'invalid_token')
  expectChallenge(await userinfo(broker, 'demo', there.accessToken), 401, 'invalid_token')
  assert.equal((await userinfo(broker, 'demo', here.accessToken)).status, 200)
  assert.equal((await userinfo(broker, 'auth0like', there.accessToken)).status, 200)
  await assert.rejects(verifyAccess(here.accessToken, 'auth0like'))
})

test('M5 application A’s refresh token is refused at B and unharmed at A', async () => {
  const session = await device(broker, cli)
  const away: Caller = auth0Cli
  assert.equal((await refresh(broker, away, session.refreshToken)).body.error, 'invalid_grant')
  expectTokens(await refresh(broker, cli, session.refreshToken))
})
