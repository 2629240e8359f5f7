/**
 * D8 to D13 of the cases: how fast a program may poll and how long, told by a clock that the test moves.
 *
 * Owns the intervals and the lifetime of a device code (RFC 8628 §3.5).
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { auth0Cli, cli } from './support/callers.ts'
import { poll } from './support/endpoints.ts'
import { expectErrorPage, expectRefusal, expectTokens } from './support/expect.ts'
import { decide, deviceCode } from './support/flows.ts'
import { Person } from './support/person.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'

let broker: TimedBroker
before(async () => {
  broker = await startTimedBroker()
})
beforeEach(() => broker.freeze())
after(() => broker.stop())

test('D8 of two polls one second apart the second is slow_down', async () => {
  const started = await deviceCode(broker)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
  broker.advance(1)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'slow_down')
})

test('D8 an application with the auth0 profile says slow_down with a 429', async () => {
  const started = await deviceCode(broker, auth0Cli)
  expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 403, 'authorization_pending')
  broker.advance(1)
  expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 429, 'slow_down')
})

test('D8 a poll half a second early is forgiven, one and a half seconds early is not', async () => {
  const jittery = await deviceCode(broker)
  for (let turn = 0; turn < 4; turn += 1) {
    expectRefusal(await poll(broker, cli, jittery.deviceCode), 400, 'authorization_pending')
    broker.advance(4.5)
  }
  const hasty = await deviceCode(broker)
  expectRefusal(await poll(broker, cli, hasty.deviceCode), 400, 'authorization_pending')
  broker.advance(3.5)
  expectRefusal(await poll(broker, cli, hasty.deviceCode), 400, 'slow_down')
})

test('D9 after a slow_down the old interval is too fast', async () => {
  const started = await deviceCode(broker)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
  broker.advance(1)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'slow_down')
  broker.advance(6)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'slow_down')
})

test('D9 after a slow_down an interval five seconds longer is right, and stays so for good', async () => {
  const started = await deviceCode(broker)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
  broker.advance(1)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'slow_down')
  broker.advance(11)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
  broker.advance(6)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'slow_down')
  broker.advance(16)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
})

test('D9 a program that was told to slow down still gets its tokens', async () => {
  const started = await deviceCode(broker)
  await poll(broker, cli, started.deviceCode)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'slow_down')
  await decide(started, 'approve')
  broker.advance(11)
  expectTokens(await poll(broker, cli, started.deviceCode))
})

test('D11 a denied device gets access_denied, and again when it asks again', async () => {
  const started = await deviceCode(broker)
  await decide(started, 'deny')
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'access_denied')
  broker.advance(6)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'access_denied')
})

test('D11 an application with the auth0 profile says access_denied with a 403', async () => {
  const started = await deviceCode(broker, auth0Cli)
  await decide(started, 'deny')
  expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 403, 'access_denied')
})

test('D12 past expires_in the device gets expired_token', async () => {
  const started = await deviceCode(broker)
  broker.advance(895)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
  broker.advance(6)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'expired_token')
})

test('D12 an application with the auth0 profile says expired_token with a 403', async () => {
  const started = await deviceCode(broker, auth0Cli)
  broker.advance(901)
  expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 403, 'expired_token')
})

test('D13 approved in time and asked for too late is expired_token', async () => {
  const started = await deviceCode(broker)
  await decide(started, 'approve')
  broker.advance(901)
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'expired_token')
})

test('D21 an expired user code brings a friendly error page and no sign-in', async () => {
  const started = await deviceCode(broker)
  broker.advance(901)
  const person = new Person()
  expectErrorPage(await decide(started, 'approve', person))
  assert.deepEqual(
    person.visited.filter(({ origin }) => origin !== broker.url),
    [],
    'the browser never left the broker',
  )
})
