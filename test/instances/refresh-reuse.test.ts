/**
 * R9, R10 and R26 of the cases for a client without grace: a refresh token shown twice ends its family, for good.
 *
 * Owns reuse and what remains of a family after it (RFC 9700 §4.14.2); the grace window is in refresh-grace.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newShared, type Shared, startBroker } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { auth0Cli, cli, job, web } from '../flows/support/callers.ts'
import { exchange, poll, refresh, revoke } from '../flows/support/endpoints.ts'
import { claimsOf, expectDead, expectRefusal, refreshed, string } from '../flows/support/expect.ts'
import { code, device } from '../flows/support/flows.ts'
import { type Store, startStore } from '../support/dynamodb.ts'

let store: Store
let shared: Shared
let broker: BrokerHere
before(async () => {
  shared = await newShared()
  store = await startStore()
  broker = await startBrokerHere({ shared, dynamodb: store.endpoint })
})
after(async () => {
  await broker.stop()
  await store.stop()
})

test('R9 without grace a used token is invalid_grant at once, and the family dead', async () => {
  const first = await device(broker)
  const second = await refreshed(broker, cli, first.refreshToken)
  expectRefusal(await refresh(broker, cli, first.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: cli, ...second })
})

test('R9 an ancestor further back is reuse just the same', async () => {
  for (const caller of [cli, job]) {
    const first = await device(broker, caller)
    let newest = await refreshed(broker, caller, first.refreshToken)
    for (let turn = 0; turn < 3; turn += 1) newest = await refreshed(broker, caller, newest.refreshToken)
    expectRefusal(await refresh(broker, caller, first.refreshToken), 400, 'invalid_grant')
    await expectDead(broker, { caller, ...newest })
  }
})

test('R9 an application with the auth0 profile says it with a 403', async () => {
  const first = await device(broker, auth0Cli)
  const second = await refreshed(broker, auth0Cli, first.refreshToken)
  expectRefusal(await refresh(broker, auth0Cli, first.refreshToken), 403, 'invalid_grant')
  await expectDead(broker, { caller: auth0Cli, ...second })
})

test('R9 reuse is audited: one line of the log names the session, the person and the client, and no line holds a token', async () => {
  const first = await device(broker)
  const second = await refreshed(broker, cli, first.refreshToken)
  expectRefusal(await refresh(broker, cli, first.refreshToken), 400, 'invalid_grant')
  const sid = string(claimsOf(first.accessToken), 'sid')
  const lines = broker.output().split('\n')
  const audited = lines.filter((line) => line.includes(sid) && /reuse/i.test(line))
  assert.equal(audited.length, 1, audited.join('\n'))
  const { client_id, sub } = JSON.parse(audited[0]?.replace(/^[^{]*/, '') ?? '')
  assert.deepEqual([client_id, sub], ['cli', claimsOf(first.accessToken).sub])
  const secrets = [first, second].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken])
  for (const secret of [...secrets, first.started.deviceCode, first.started.userCode]) {
    assert.ok(!broker.output().includes(secret), 'no credential in the log')
  }
})

test('R9 a token that another client shows is audited too', async () => {
  const { refreshToken, accessToken } = await device(broker)
  expectRefusal(await refresh(broker, job, refreshToken), 400, 'invalid_grant')
  const sid = string(claimsOf(accessToken), 'sid')
  const lines = broker.output().split('\n')
  assert.ok(
    lines.some((line) => line.includes(sid) && line.includes('job')),
    'a line names the session and the stranger',
  )
})

test('R10 nothing brings a dead family back: not its newest token, an old one, its code, nor another revocation', async () => {
  const first = await device(broker)
  const second = await refreshed(broker, cli, first.refreshToken)
  expectRefusal(await refresh(broker, cli, first.refreshToken), 400, 'invalid_grant')
  for (let turn = 0; turn < 2; turn += 1) {
    expectRefusal(await refresh(broker, cli, second.refreshToken), 400, 'invalid_grant')
    expectRefusal(await refresh(broker, cli, first.refreshToken), 400, 'invalid_grant')
    expectRefusal(await poll(broker, cli, first.started.deviceCode), 400, 'invalid_grant')
    assert.equal((await revoke(broker, cli, second.refreshToken)).status, 200)
  }
  await expectDead(broker, { caller: cli, ...second })
})

test('R10 a retry within grace does not bring back what was revoked', async () => {
  const first = await device(broker, job)
  const second = await refreshed(broker, job, first.refreshToken)
  await revoke(broker, job, second.refreshToken)
  expectRefusal(await refresh(broker, job, first.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: job, ...second })
})

test('R10 a code family that was revoked stays dead when its code is shown again', async () => {
  const session = await code(broker, web)
  await revoke(broker, web, session.refreshToken)
  expectRefusal(await exchange(broker, web, session.code), 400, 'invalid_grant')
  await expectDead(broker, session)
})

test('R26 a broker that starts cold sees the reuse of what another one rotated', async () => {
  const first = await device(broker)
  const second = await refreshed(broker, cli, first.refreshToken)
  const cold = await startBroker({ shared, dynamodb: store.endpoint })
  try {
    expectRefusal(await refresh(cold, cli, first.refreshToken), 400, 'invalid_grant')
    await expectDead(cold, { caller: cli, ...second })
    await expectDead(broker, { caller: cli, ...second })
  } finally {
    await cold.stop()
  }
})

test('R26 a live family is known to a broker that starts cold, and reuse there is seen by the warm one', async () => {
  const first = await device(broker)
  const cold = await startBroker({ shared, dynamodb: store.endpoint })
  try {
    const second = await refreshed(cold, cli, first.refreshToken)
    expectRefusal(await refresh(broker, cli, first.refreshToken), 400, 'invalid_grant')
    expectRefusal(await refresh(cold, cli, second.refreshToken), 400, 'invalid_grant')
  } finally {
    await cold.stop()
  }
})
