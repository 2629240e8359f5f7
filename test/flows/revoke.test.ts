/**
 * V1 to V7, V9 and V12 of the cases: what a revocation ends and what it leaves alone.
 *
 * Owns the revocation endpoint (RFC 7009); V10, the store away, is in store-faults.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auth0Cli, basicWeb, cli, job, web } from './support/callers.ts'
import { call, endpoint, introspect, refresh, revoke, userinfo } from './support/endpoints.ts'
import { expectDead, expectInactive, expectRefusal, expectUncachedJson, refreshed } from './support/expect.ts'
import { code, device } from './support/flows.ts'
import { Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { type Answer, postForm, postJson } from './support/wire.ts'

const broker = await sharedBroker()

function expectDone(answer: Answer): void {
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.text, '{}')
  expectUncachedJson(answer)
}

test('V1 a revoked family is dead for refresh, userinfo and introspection', async () => {
  for (const session of [await device(broker), await code(broker, web), await code(broker, basicWeb)]) {
    expectDone(await revoke(broker, session.caller, session.refreshToken))
    expectInactive(await introspect(broker, session.accessToken))
    expectInactive(await introspect(broker, session.refreshToken))
    assert.equal((await userinfo(broker, 'demo', session.accessToken)).status, 401)
    await expectDead(broker, session)
  }
})

test('V1 a JSON body does what the form does', async () => {
  const session = await device(broker)
  const body = { client_id: 'cli', token: session.refreshToken }
  expectDone(await postJson(endpoint(broker, 'demo', 'revoke'), body))
  await expectDead(broker, session)
})

test('V2 an ancestor of the newest token kills the family', async () => {
  const first = await device(broker)
  const second = await refreshed(broker, cli, first.refreshToken)
  const third = await refreshed(broker, cli, second.refreshToken)
  expectDone(await revoke(broker, cli, first.refreshToken))
  await expectDead(broker, { caller: cli, ...third })
})

test('V3 a token that is unknown, and one that was revoked before, are 200', async () => {
  const { refreshToken } = await device(broker)
  const altered = refreshToken.slice(0, -4) + (refreshToken.at(-4) === 'A' ? 'B' : 'A') + refreshToken.slice(-3)
  for (const unknown of ['nonsense', 'rt_x', 'a.b.c', refreshToken.slice(0, -2), altered, 'é']) {
    expectDone(await revoke(broker, cli, unknown))
  }
  const next = await refreshed(broker, cli, refreshToken)
  for (let turn = 0; turn < 3; turn += 1) expectDone(await revoke(broker, cli, next.refreshToken))
})

test('V4 a wrong hint, and one that nobody knows, do not matter', async () => {
  for (const hint of ['access_token', 'refresh_token', 'id_token', 'whatever']) {
    const byRefresh = await device(broker)
    expectDone(await revoke(broker, cli, byRefresh.refreshToken, { token_type_hint: hint }))
    await expectDead(broker, byRefresh)
    const byAccess = await device(broker)
    expectDone(await revoke(broker, cli, byAccess.accessToken, { token_type_hint: hint }))
    await expectDead(broker, byAccess)
  }
})

test('V5 no token, or an empty one, is invalid_request', async () => {
  expectRefusal(await call(broker, cli, 'revoke', {}), 400, 'invalid_request')
  expectRefusal(await revoke(broker, cli, ''), 400, 'invalid_request')
  expectRefusal(await call(broker, web, 'revoke', { token_type_hint: 'refresh_token' }), 400, 'invalid_request')
})

test('V6 a foreign token is 200 and unharmed', async () => {
  const session = await device(broker)
  for (const stranger of [job, web, basicWeb, auth0Cli]) {
    expectDone(await revoke(broker, stranger, session.refreshToken))
    expectDone(await revoke(broker, stranger, session.accessToken))
  }
  assert.equal((await userinfo(broker, 'demo', session.accessToken)).status, 200)
  await refreshed(broker, cli, session.refreshToken)
})

test('V7 a client that does not authenticate is 401, and nothing is revoked', async () => {
  const session = await code(broker, web)
  const attempts = [
    await revoke(broker, { ...web, secret: 'wrong' }, session.refreshToken),
    await revoke(broker, { ...web, auth: 'none' }, session.refreshToken),
    await revoke(broker, { ...web, clientId: 'nobody' }, session.refreshToken),
    await postForm(endpoint(broker, 'demo', 'revoke'), { token: session.refreshToken }),
  ]
  for (const answer of attempts) expectRefusal(answer, 401, 'invalid_client')
  await refreshed(broker, web, session.refreshToken)
})

test('V9 an access token of the client’s own ends its family', async () => {
  const first = await device(broker)
  const second = await refreshed(broker, cli, first.refreshToken)
  expectDone(await revoke(broker, cli, first.accessToken))
  await expectDead(broker, { caller: cli, ...second })
})

test('V12 a revocation touches no other session, not even of the same person and client', async () => {
  const person = new Person({ name: 'many-sessions' })
  const one = await device(broker, cli, {}, person)
  const other = await device(broker, cli, {}, person)
  const elsewhere = await device(broker, auth0Cli, {}, person)
  const withCode = await code(broker, web)
  expectDone(await revoke(broker, cli, one.refreshToken))
  await expectDead(broker, one)
  for (const session of [other, withCode, elsewhere]) {
    assert.equal((await userinfo(broker, session.caller.application, session.accessToken)).status, 200)
    await refreshed(broker, session.caller, session.refreshToken)
  }
})

test('V12 what was revoked does not keep the person from signing in again', async () => {
  const person = new Person({ name: 'comes-back' })
  const session = await device(broker, cli, {}, person)
  await revoke(broker, cli, session.refreshToken)
  const again = await device(broker, cli, {}, person)
  await refreshed(broker, cli, again.refreshToken)
  assert.equal((await refresh(broker, cli, session.refreshToken)).status, 400)
})
