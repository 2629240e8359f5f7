/**
 * R18, R19, R21 and R32 of the cases: how long a family lives, told by a clock that the test moves.
 *
 * Owns the idle and the absolute limit of each client, and what is told of them.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { brief, cli, job, web } from './support/callers.ts'
import { introspect, refresh, userinfo } from './support/endpoints.ts'
import { expectChallenge, expectInactive, expectRefusal, expectTokens, refreshed } from './support/expect.ts'
import { code, device } from './support/flows.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import type { Answer } from './support/wire.ts'

let broker: TimedBroker
before(async () => {
  broker = await startTimedBroker()
})
beforeEach(() => broker.freeze())
after(() => broker.stop())

const thirtyDays = 2_592_000

test('R18 a family that was idle for too long is invalid_grant', async () => {
  const { refreshToken } = await device(broker, cli)
  broker.advance(thirtyDays + 1)
  expectRefusal(await refresh(broker, cli, refreshToken), 400, 'invalid_grant')
})

test('R18 each refresh starts the idle time anew', async () => {
  let newest = (await device(broker, cli)).refreshToken
  for (let turn = 0; turn < 3; turn += 1) {
    broker.advance(thirtyDays - 60)
    newest = (await refreshed(broker, cli, newest)).refreshToken
  }
  broker.advance(thirtyDays + 1)
  expectRefusal(await refresh(broker, cli, newest), 400, 'invalid_grant')
})

test('R19 a family past its absolute lifetime is invalid_grant, however often it was refreshed', async () => {
  let newest = (await device(broker, brief)).refreshToken
  for (let turn = 0; turn < 3; turn += 1) {
    broker.advance(1.5)
    newest = (await refreshed(broker, brief, newest)).refreshToken
  }
  broker.advance(1.6)
  expectRefusal(await refresh(broker, brief, newest), 400, 'invalid_grant')
})

test('R19 an old token of an expired family is invalid_grant as well', async () => {
  const first = await device(broker, brief)
  const second = await refreshed(broker, brief, first.refreshToken)
  broker.advance(7)
  expectRefusal(await refresh(broker, brief, first.refreshToken), 400, 'invalid_grant')
  expectRefusal(await refresh(broker, brief, second.refreshToken), 400, 'invalid_grant')
})

test('R21 the limits are each client’s own: what ends one session leaves the other alone', async () => {
  const [short, long] = [await device(broker, brief), await device(broker, cli)]
  broker.advance(3)
  expectRefusal(await refresh(broker, brief, short.refreshToken), 400, 'invalid_grant')
  await refreshed(broker, cli, long.refreshToken)
})

test('I2 I10 an access token past its exp is inactive, and invalid_token at userinfo', async () => {
  const { accessToken, refreshToken } = await device(broker)
  broker.advance(310)
  expectInactive(await introspect(broker, accessToken))
  expectChallenge(await userinfo(broker, 'demo', accessToken), 401, 'invalid_token')
  await refreshed(broker, cli, refreshToken)
})

test('I2 a refresh token past its lifetime is inactive', async () => {
  const { refreshToken } = await device(broker, brief)
  broker.advance(3)
  expectInactive(await introspect(broker, refreshToken))
})

const told = ({ body }: Pick<Answer, 'body'>) => [
  body.refresh_token_timeout,
  body.authorization_expires_in,
  body.refresh_token_grace,
]
const aYear = 31_536_000

test('R32 an answer with a refresh token tells when it ends unused, when the session ends, and the client’s grace', async () => {
  const first = await device(broker, cli)
  assert.deepEqual(told(first), [thirtyDays, aYear, 0])
  broker.advance(1_000)
  const second = await refreshed(broker, cli, first.refreshToken)
  assert.deepEqual(told(second), [thirtyDays, aYear - 1_000, 0])
  assert.deepEqual(told(await code(broker, web)), [thirtyDays, aYear, 0])
})

test('R32 towards the end of the session its end is the refresh token’s, too', async () => {
  const first = await device(broker, brief)
  assert.deepEqual(told(first).slice(0, 2), [2, 6])
  broker.advance(1.9)
  const second = await refreshed(broker, brief, first.refreshToken)
  assert.deepEqual(told(second).slice(0, 2), [2, 4])
  broker.advance(1.9)
  const third = await refreshed(broker, brief, second.refreshToken)
  broker.advance(1.9)
  assert.deepEqual(told(await refreshed(broker, brief, third.refreshToken)).slice(0, 2), [0, 0])
})

test('R32 a retry within the grace tells the lifetimes that are left, and the whole grace, which is the successor’s', async () => {
  const first = await device(broker, job)
  await refreshed(broker, job, first.refreshToken)
  broker.advance(7)
  const again = expectTokens(await refresh(broker, job, first.refreshToken))
  assert.deepEqual(told(again), [thirtyDays - 7, aYear - 7, 10])
})

test('R32 an answer without a refresh token tells none of it', async () => {
  assert.deepEqual(told(await device(broker, cli, { scope: 'openid' })), [undefined, undefined, undefined])
})

test('R32 introspection tells the same of a refresh token, and does not prolong it; of an access token nothing', async () => {
  const { accessToken, refreshToken } = await device(broker, cli)
  broker.advance(100)
  for (const _ of [1, 2]) {
    const answer = await introspect(broker, refreshToken)
    assert.deepEqual(told(answer), [thirtyDays - 100, aYear - 100, undefined])
  }
  assert.deepEqual(told(await introspect(broker, accessToken)), [undefined, undefined, undefined])
})
