/**
 * I1 to I7 of the cases: who may ask about a token, and what they learn.
 *
 * Owns the introspection endpoint (RFC 7662); expiry, which needs a clock, is in refresh-lifetime.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api, auth0Cli, basicWeb, cli, web } from './support/callers.ts'
import { call, endpoint, fullScope, introspect, issuer, refresh, revoke } from './support/endpoints.ts'
import {
  claimsOf,
  expectInactive,
  expectRefusal,
  expectTokens,
  expectUncachedJson,
  refreshed,
} from './support/expect.ts'
import { code, device } from './support/flows.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { type Answer, basic, postForm, postJson } from './support/wire.ts'

const broker = await sharedBroker()

function expectActive(answer: Answer): Answer['body'] {
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.body.active, true)
  expectUncachedJson(answer)
  return answer.body
}

test('I1 a live access token is active, with client_id, sub, scope, exp, iat, iss and sid', async () => {
  const { accessToken } = await device(broker)
  const told = expectActive(await introspect(broker, accessToken))
  const claims = claimsOf(accessToken)
  for (const member of ['client_id', 'sub', 'scope', 'exp', 'iat', 'iss', 'sid']) {
    assert.deepEqual(told[member], claims[member], member)
  }
  assert.deepEqual([told.client_id, told.scope, told.iss], ['cli', fullScope, issuer(broker, 'demo')])
  assert.ok(Number.isInteger(told.exp) && Number.isInteger(told.iat))
})

test('I1 a live refresh token is active, with the same of its session', async () => {
  const { accessToken, refreshToken } = await code(broker, web)
  const told = expectActive(await introspect(broker, refreshToken))
  const claims = claimsOf(accessToken)
  for (const member of ['client_id', 'sub', 'scope', 'iss', 'sid'])
    assert.deepEqual(told[member], claims[member], member)
  assert.ok(Number.isInteger(told.exp) && Number(told.exp) > Date.now() / 1000 + 86_400)
  assert.ok(Number.isInteger(told.iat) && Number(told.iat) <= Math.ceil(Date.now() / 1000))
})

test('I1 a narrowed access token is told with its own scope', async () => {
  const { refreshToken } = await device(broker)
  const { accessToken } = expectTokens(await refresh(broker, cli, refreshToken, { scope: 'openid' }))
  assert.equal(expectActive(await introspect(broker, accessToken)).scope, 'openid')
})

test('I2 whatever is not a live token is exactly {"active":false}', async () => {
  const session = await device(broker)
  const second = await refreshed(broker, cli, session.refreshToken)
  const revoked = await device(broker)
  await revoke(broker, cli, revoked.refreshToken)
  const [header = '', payload = '', signature = ''] = session.accessToken.split('.')
  const forged = [header, payload, signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))].join('.')
  const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`
  const dead = [session.refreshToken, revoked.refreshToken, revoked.accessToken, session.started.deviceCode]
  for (const token of [...dead, session.idToken, forged, unsigned, 'nonsense', 'a.b.c', 'é', '{}']) {
    expectInactive(await introspect(broker, token))
  }
  expectActive(await introspect(broker, second.accessToken))
})

test('I3 no caller, a wrong secret, and a client that may not ask are 401', async () => {
  const { accessToken } = await device(broker)
  const url = endpoint(broker, 'demo', 'introspect')
  const wrong = [
    await postForm(url, { token: accessToken }),
    await postForm(url, { token: accessToken }, { authorization: `Bearer ${accessToken}` }),
    await introspect(broker, accessToken, {}, { ...api, secret: 'wrong' }),
    await introspect(broker, accessToken, {}, { ...api, clientId: 'nobody' }),
    await introspect(broker, accessToken, {}, { ...api, auth: 'client_secret_post' }),
    await introspect(broker, accessToken, {}, { ...api, auth: 'none' }),
    await introspect(broker, accessToken, {}, { ...api, application: 'auth0like' }),
  ]
  for (const answer of wrong) expectRefusal(answer, 401, 'invalid_client')
  for (const caller of [cli, web, basicWeb]) {
    const answer = await introspect(broker, accessToken, {}, caller)
    assert.equal(answer.status, 401, answer.text)
    assert.equal(answer.body.active, undefined)
  }
})

test('I3 a wrong Basic is challenged', async () => {
  const url = endpoint(broker, 'demo', 'introspect')
  const answer = await postForm(url, { token: 'x' }, basic('api', 'wrong'))
  assert.match(answer.headers['www-authenticate'] ?? '', /^Basic\b/)
})

test('I4 no token, or an empty one, is invalid_request', async () => {
  expectRefusal(await call(broker, api, 'introspect', {}), 400, 'invalid_request')
  expectRefusal(await introspect(broker, ''), 400, 'invalid_request')
})

test('I5 another application’s token is inactive', async () => {
  const { accessToken, refreshToken } = await device(broker, auth0Cli)
  for (const token of [accessToken, refreshToken]) expectInactive(await introspect(broker, token))
  await refreshed(broker, auth0Cli, refreshToken)
})

test('I6 asking spends nothing and rotates nothing, not even about a used token', async () => {
  const session = await device(broker)
  for (let turn = 0; turn < 3; turn += 1) expectActive(await introspect(broker, session.refreshToken))
  const second = await refreshed(broker, cli, session.refreshToken)
  for (let turn = 0; turn < 3; turn += 1) expectInactive(await introspect(broker, session.refreshToken))
  await refreshed(broker, cli, second.refreshToken)
})

test('I7 a wrong hint, and one that nobody knows, do not matter', async () => {
  const { accessToken, refreshToken } = await device(broker)
  for (const token_type_hint of ['access_token', 'refresh_token', 'id_token', 'whatever']) {
    expectActive(await introspect(broker, accessToken, { token_type_hint }))
    expectActive(await introspect(broker, refreshToken, { token_type_hint }))
  }
})

test('I7 a JSON body does what the form does', async () => {
  const { accessToken } = await device(broker)
  const url = endpoint(broker, 'demo', 'introspect')
  expectActive(await postJson(url, { token: accessToken }, basic('api', 'api-secret')))
})

test('I3 a client that may not ask, and proved itself by Basic, is told the scheme (RFC 6749 §5.2)', async () => {
  const answer = await introspect(broker, 'any token', {}, basicWeb)
  expectRefusal(answer, 401, 'invalid_client')
  assert.match(answer.headers['www-authenticate'] ?? '', /^Basic realm=/)
})
