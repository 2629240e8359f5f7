/**
 * R1 to R4, R15 to R17, R22 and R31 of the cases: a refresh rotates, narrows when asked, and is nobody else's.
 *
 * Owns the refresh_token grant as one careful caller uses it (RFC 6749 §6); reuse, grace, time, races and faults have
 * files of their own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auth0Cli, cli, credentials, job, pairs, web } from './support/callers.ts'
import { call, endpoint, fullScope, refresh, userinfo } from './support/endpoints.ts'
import { claimsOf, expectRefusal, expectTokens, refreshed } from './support/expect.ts'
import { code, device } from './support/flows.ts'
import { Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { basic, postForm, postJson } from './support/wire.ts'

const broker = await sharedBroker()

test('R1 a refresh brings a new refresh token and a new access token of the same session', async () => {
  for (const first of [await device(broker), await code(broker, web)]) {
    const second = await refreshed(broker, first.caller, first.refreshToken)
    assert.notEqual(second.refreshToken, first.refreshToken)
    assert.notEqual(second.accessToken, first.accessToken)
    assert.equal(second.body.expires_in, 300)
    const [a, b] = [claimsOf(first.accessToken), claimsOf(second.accessToken)]
    assert.deepEqual([b.sid, b.sub, b.aud, b.client_id, b.scope], [a.sid, a.sub, a.aud, a.client_id, a.scope])
    assert.notEqual(a.jti, b.jti)
    await refreshed(broker, first.caller, second.refreshToken)
  }
})

test('R1 the same as JSON, and at the route for refreshing alone', async () => {
  const { refreshToken } = await device(broker)
  const fields = { grant_type: 'refresh_token', client_id: 'cli' }
  const second = expectTokens(
    await postJson(endpoint(broker, 'demo', 'token'), { ...fields, refresh_token: refreshToken }),
  )
  const alone = endpoint(broker, 'demo', 'token/refresh')
  const third = expectTokens(await postForm(alone, { refresh_token: second.refreshToken, ...fields }))
  expectTokens(await postJson(alone, { ...fields, refresh_token: third.refreshToken }))
})

test('R2 a refresh token that is missing or empty is invalid_request', async () => {
  expectRefusal(await call(broker, cli, 'token', { grant_type: 'refresh_token' }), 400, 'invalid_request')
  expectRefusal(await refresh(broker, cli, ''), 400, 'invalid_request')
})

test('R3 a token that is unknown, cut or altered is invalid_grant and leaves the family alone', async () => {
  const { refreshToken, started, accessToken } = await device(broker)
  const altered = refreshToken.slice(0, -9) + (refreshToken.at(-9) === 'A' ? 'B' : 'A') + refreshToken.slice(-8)
  const wrong = ['nonsense', refreshToken.slice(0, -1), refreshToken.slice(0, 20), altered, `${refreshToken}A`]
  for (const token of [...wrong, refreshToken.toUpperCase(), started.deviceCode, accessToken, 'rt_', 'é']) {
    expectRefusal(await refresh(broker, cli, token), 400, 'invalid_grant')
  }
  await refreshed(broker, cli, refreshToken)
})

test('R4 another client’s attempt is invalid_grant and the family intact', async () => {
  const { refreshToken } = await device(broker)
  expectRefusal(await refresh(broker, job, refreshToken), 400, 'invalid_grant')
  expectRefusal(await refresh(broker, web, refreshToken), 400, 'invalid_grant')
  const next = await refreshed(broker, cli, refreshToken)
  expectRefusal(await refresh(broker, job, refreshToken), 400, 'invalid_grant')
  await refreshed(broker, cli, next.refreshToken)
})

test('R4 a failed client authentication spends nothing', async () => {
  const { refreshToken } = await code(broker, web)
  expectRefusal(await refresh(broker, { ...web, secret: 'wrong' }, refreshToken), 401, 'invalid_client')
  await refreshed(broker, web, refreshToken)
})

test('R15 a narrower scope narrows that access token alone; the next refresh has all of them again', async () => {
  const { refreshToken } = await device(broker)
  const narrow = expectTokens(await refresh(broker, cli, refreshToken, { scope: 'email' }))
  assert.equal(narrow.body.scope, 'email')
  assert.equal(claimsOf(narrow.accessToken).scope, 'email')
  const reordered = 'profile openid'
  const other = expectTokens(await refresh(broker, cli, narrow.refreshToken, { scope: reordered }))
  assert.equal(claimsOf(other.accessToken).scope, reordered)
  const full = await refreshed(broker, cli, other.refreshToken)
  assert.equal(claimsOf(full.accessToken).scope, fullScope)
  const repeated = expectTokens(await refresh(broker, cli, full.refreshToken, { scope: fullScope }))
  assert.equal(claimsOf(repeated.accessToken).scope, fullScope)
})

test('R16 a wider scope is invalid_scope and the token not spent', async () => {
  const { refreshToken } = await device(broker, cli, { scope: 'openid offline_access' })
  for (const scope of ['openid profile offline_access', 'email', 'admin']) {
    expectRefusal(await refresh(broker, cli, refreshToken, { scope }), 400, 'invalid_scope')
  }
  await refreshed(broker, cli, refreshToken)
})

test('R17 a repeated parameter is invalid_request and the token not spent', async () => {
  const { refreshToken } = await device(broker)
  const url = endpoint(broker, 'demo', 'token')
  const once = { grant_type: 'refresh_token', refresh_token: refreshToken, ...credentials(cli).fields }
  for (const [name, value] of [...Object.entries(once), ['scope', 'openid'] as const]) {
    const twice = name === 'scope' ? pairs(once, { [name]: value }, { [name]: value }) : pairs(once, { [name]: value })
    expectRefusal(await postForm(url, twice), 400, 'invalid_request')
  }
  expectRefusal(await postJson(url, { ...once, refresh_token: [refreshToken] }), 400, 'invalid_request')
  await refreshed(broker, cli, refreshToken)
})

test('R22 two devices of one person are two families: the death of one is not the other’s', async () => {
  const person = new Person({ name: 'two-devices' })
  const [laptop, phone] = [await device(broker, cli, {}, person), await device(broker, cli, {}, person)]
  assert.equal(claimsOf(laptop.accessToken).sub, claimsOf(phone.accessToken).sub)
  assert.notEqual(claimsOf(laptop.accessToken).sid, claimsOf(phone.accessToken).sid)
  await refreshed(broker, cli, laptop.refreshToken)
  expectRefusal(await refresh(broker, cli, laptop.refreshToken), 400, 'invalid_grant')
  await refreshed(broker, cli, phone.refreshToken)
  assert.equal((await userinfo(broker, 'demo', phone.accessToken)).status, 200)
})

test('R31 on another application’s path a token is invalid_grant and nothing dies', async () => {
  const { refreshToken } = await device(broker)
  expectRefusal(await refresh(broker, auth0Cli, refreshToken), 403, 'invalid_grant')
  const next = await refreshed(broker, cli, refreshToken)
  expectRefusal(await refresh(broker, auth0Cli, refreshToken), 403, 'invalid_grant')
  await refreshed(broker, cli, next.refreshToken)
})

test('R31 a client that one application knows is a stranger at another', async () => {
  const { refreshToken } = await device(broker, job)
  expectRefusal(await refresh(broker, { ...job, application: 'auth0like' }, refreshToken), 401, 'invalid_client')
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
  const answer = await postForm(endpoint(broker, 'auth0like', 'token'), form, basic('web', 'web-secret'))
  expectRefusal(answer, 401, 'invalid_client')
  await refreshed(broker, job, refreshToken)
})

test('R16 a scope longer than any client has is invalid_scope at once, and the token stays good', async () => {
  const { refreshToken } = await device(broker)
  for (const count of [65, 150, 2_000, 10_000]) {
    const scope = Array.from({ length: count }, (_, at) => `s${at}`).join(' ')
    expectRefusal(await refresh(broker, cli, refreshToken, { scope }), 400, 'invalid_scope')
  }
  const most = Array.from({ length: 64 }, (_, at) => String.fromCharCode(0x30 + at)).filter((word) => word !== '\\')
  expectRefusal(await refresh(broker, cli, refreshToken, { scope: most.join(' ') }), 400, 'invalid_scope')
  await refreshed(broker, cli, refreshToken)
})
