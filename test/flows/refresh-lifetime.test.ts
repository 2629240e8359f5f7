/**
 * R18, R19 and R21 of the cases: how long a family lives, told by a clock that the test moves.
 *
 * Owns the idle and the absolute limit of each client.
 */
import { after, before, beforeEach, test } from 'node:test'
import { brief, cli } from './support/callers.ts'
import { introspect, refresh, userinfo } from './support/endpoints.ts'
import { expectChallenge, expectInactive, expectRefusal, refreshed } from './support/expect.ts'
import { device } from './support/flows.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'

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
