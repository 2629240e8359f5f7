/**
 * deviceLogin "upstream", a slow provider and several brokers: a poll overtakes the one that was given the provider's
 * tokens, and the provider tells it that its device code is used up.
 *
 * Owns the races and the crash; what the provider may answer to a single poll is upstream-device.test.ts.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { type Broker, type BrokerProcess, newShared, startBroker } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { poll, refresh, startDevice } from '../flows/support/endpoints.ts'
import { expectRefusal, expectTokens, refreshed, string } from '../flows/support/expect.ts'
import type { FaultProxy } from '../flows/support/fault-proxy.ts'
import { type MovedClock, movedClock } from '../flows/support/moved-clock.ts'
import { registryFile } from '../flows/support/registry.ts'
import { startFaultyStore } from '../flows/support/store.ts'
import { addVaulted, device } from '../flows/support/vault.ts'
import { type FallibleProvider, startFallibleProvider } from '../support/fallible-provider.ts'

let clock: MovedClock
let provider: FallibleProvider
let store: FaultProxy
let start: () => Promise<BrokerProcess>
let brokers: readonly [BrokerHere, BrokerHere, BrokerHere]
before(async () => {
  clock = movedClock()
  provider = await startFallibleProvider()
  store = await startFaultyStore()
  const shared = await newShared()
  const registry = registryFile((copy) => addVaulted(copy, provider, { deviceLogin: 'upstream' }))
  const settings = { dynamodb: store.endpoint, shared, registry }
  start = () => startBroker({ ...settings, environment: clock.environment })
  const first = await startBrokerHere({ ...settings, clock })
  brokers = [first, ...(await Promise.all([start(), start()]))]
})
beforeEach(() => {
  provider.behaviour.enforcesInterval = false
})
afterEach(() => {
  store.heal()
  provider.heal()
  provider.forget()
})
after(async () => {
  for (const broker of brokers) await broker.stop()
  await store.stop()
  await provider.stop()
})

/** A device whose person has approved, and whose next poll may come. */
async function approvedThere() {
  const { status, body, text } = await startDevice(brokers[0], device)
  assert.equal(status, 200, text)
  provider.decide(string(body, 'user_code'), 'approve')
  const interval = Number(body.interval)
  clock.advance(interval)
  return { deviceCode: string(body, 'device_code'), interval }
}

/** The next poll of a client that has given up on the one before. */
function nextPoll(broker: Broker, { deviceCode, interval }: { deviceCode: string; interval: number }) {
  clock.advance(interval)
  return poll(broker, device, deviceCode)
}

test('polls that overtake the one with the provider’s tokens are pending, and the next one is given its tokens', async () => {
  const [slow, second, third] = brokers
  const flow = await approvedThere()
  const held = provider.hold('poll')
  const overtaken = poll(slow, device, flow.deviceCode)
  await held.reached
  expectRefusal(await nextPoll(second, flow), 400, 'authorization_pending')
  expectRefusal(await nextPoll(third, flow), 400, 'authorization_pending')
  assert.equal(provider.count('poll'), 2, 'a device code that is used up is asked for no more')
  held.release()
  // Its caller has given up on it, and what it would be given nobody might see.
  expectRefusal(await overtaken, 400, 'authorization_pending')
  const tokens = expectTokens(await nextPoll(second, flow))
  assert.equal(tokens.accessToken, provider.accessTokens().at(-1))
  await refreshed(third, device, tokens.refreshToken)
})

/** A poll was given the tokens while another one waited for the provider; both are answered. */
async function givenMeanwhile() {
  const [first, slow, third] = brokers
  const flow = await approvedThere()
  const [given, usedUp] = [provider.hold('poll'), provider.hold('poll')]
  const overtaken = poll(first, device, flow.deviceCode)
  await given.reached
  clock.advance(flow.interval)
  const late = poll(slow, device, flow.deviceCode)
  await usedUp.reached
  given.release()
  expectRefusal(await overtaken, 400, 'authorization_pending')
  const tokens = expectTokens(await nextPoll(third, flow))
  usedUp.release()
  expectRefusal(await late, 400, 'authorization_pending')
  return { flow, tokens }
}

test('a poll that hears of it once the tokens are out ends nothing', async () => {
  const { tokens } = await givenMeanwhile()
  await refreshed(brokers[0], device, tokens.refreshToken)
})

test('whoever polls on because somebody else was given the tokens ends their session', async () => {
  const { flow, tokens } = await givenMeanwhile()
  expectRefusal(await nextPoll(brokers[1], flow), 400, 'invalid_grant')
  expectRefusal(await refresh(brokers[0], device, tokens.refreshToken), 400, 'invalid_grant')
})

for (const [who, held] of [
  ['the poll that decided', 1],
  ['either poll', 2],
] as const) {
  test(`of two polls, one between the decision and the redemption of the other, with ${who} slow, at most one has tokens, else the next poll has them, and they last`, async () => {
    const [first, second] = brokers
    const flow = await approvedThere()
    store.fail({ kind: 'keep-silent' }, { operations: ['Query'], times: held })
    const deciding = poll(first, device, flow.deviceCode)
    await store.silent()
    const answers = await Promise.all([deciding, nextPoll(second, flow)])
    const [given, ...more] = answers.filter(({ status }) => status === 200)
    assert.equal(more.length, 0)
    for (const answer of answers) if (answer !== given) expectRefusal(answer, 400, 'authorization_pending')
    await refreshed(second, device, expectTokens(given ?? (await nextPoll(second, flow))).refreshToken)
  })
}

test('a decision whose answer is lost while the next poll is given the tokens ends nothing, and is told', async () => {
  const [first, second] = brokers
  const flow = await approvedThere()
  const told = () => first.output().split('"event":"session.approved"').length - 1
  const before = told()
  const held = provider.hold('poll')
  const deciding = poll(first, device, flow.deviceCode)
  await held.reached
  store.fail({ kind: 'keep-silent' }, { operations: ['UpdateItem'], times: 1 })
  held.release()
  await store.silent()
  const tokens = expectTokens(await nextPoll(second, flow))
  expectRefusal(await deciding, 400, 'authorization_pending')
  assert.equal(told() - before, 1)
  await refreshed(first, device, tokens.refreshToken)
})

test('tokens that come when the device code was about to lapse give it its time back', async () => {
  const [slow, second] = brokers
  const flow = await approvedThere()
  const held = provider.hold('poll')
  const overtaken = poll(slow, device, flow.deviceCode)
  await held.reached
  expectRefusal(await nextPoll(second, flow), 400, 'authorization_pending')
  held.release()
  expectRefusal(await overtaken, 400, 'authorization_pending')
  clock.advance(60)
  expectTokens(await nextPoll(second, flow))
})

test('the poll with the tokens dies: pending as long as nobody can know, then expired_token', async () => {
  const [, second, third] = brokers
  const flow = await approvedThere()
  const doomed = await start()
  const held = provider.hold('poll')
  const cutOff = poll(doomed, device, flow.deviceCode).catch(() => 'cut off')
  await held.reached
  await doomed.kill()
  assert.equal(await cutOff, 'cut off')
  held.release()
  expectRefusal(await nextPoll(second, flow), 400, 'authorization_pending')
  clock.advance(12)
  expectRefusal(await nextPoll(third, flow), 400, 'authorization_pending')
  clock.advance(8)
  expectRefusal(await nextPoll(second, flow), 400, 'expired_token')
  assert.equal(provider.count('poll'), 2)
})
