/**
 * deviceLogin "upstream": the provider's own device flow behind ours (RFC 8628), its user code, its pages and its errors,
 * our device code and our rule of single use.
 *
 * Owns the faults and the races; the same against the local tenant is wiremock.test.ts.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type FallibleProvider, serverError, startFallibleProvider, unavailable } from '../support/fallible-provider.ts'
import { poll, refresh, startDevice } from './support/endpoints.ts'
import { expectRefusal, expectTokens, expectUnavailable, refreshed, string } from './support/expect.ts'
import { revokeOne } from './support/ops.ts'
import { registryFile } from './support/registry.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import { addVaulted, device, wholeTable } from './support/vault.ts'
import type { Answer } from './support/wire.ts'

let provider: FallibleProvider
let broker: TimedBroker
before(async () => {
  provider = await startFallibleProvider()
  provider.behaviour.enforcesInterval = false
  const settings = { deviceLogin: 'upstream', revokeTokens: true }
  broker = await startTimedBroker(registryFile((copy) => addVaulted(copy, provider, settings)))
})
afterEach(() => {
  provider.heal()
  provider.behaviour.enforcesInterval = false
  provider.forget()
})
after(async () => {
  await broker.stop()
  await provider.stop()
})

async function started() {
  broker.freeze()
  const answer = await startDevice(broker, device)
  assert.equal(answer.status, 200, answer.text)
  return {
    ...{ deviceCode: string(answer.body, 'device_code'), userCode: string(answer.body, 'user_code') },
    body: answer.body,
    interval: Number(answer.body.interval),
  }
}

/** The poll that comes when it may. */
async function nextPoll({ deviceCode, interval }: { deviceCode: string; interval: number }) {
  broker.advance(interval)
  return poll(broker, device, deviceCode)
}

function sidOf({ deviceCode }: { readonly deviceCode: string }): string {
  return Buffer.from(deviceCode.slice(3), 'base64url').toString('base64url', 1, 17)
}

test('the user code and both addresses are the provider’s, the device code is ours and the interval no shorter', async () => {
  const { deviceCode, userCode, body } = await started()
  assert.ok(deviceCode.startsWith('dc_'))
  assert.equal(body.verification_uri, `${provider.issuer}/activate`)
  assert.equal(body.verification_uri_complete, `${provider.issuer}/activate?user_code=${userCode}`)
  assert.equal(body.expires_in, 900)
  assert.ok(Number(body.interval) > provider.behaviour.intervalSeconds)
})

test('from the first poll to tokens, once: the second showing of the device code ends the family', async () => {
  const flow = await started()
  expectRefusal(await poll(broker, device, flow.deviceCode), 400, 'authorization_pending')
  assert.equal(provider.count('poll'), 0, 'the first poll is free, and the provider is not asked before its interval')
  expectRefusal(await nextPoll(flow), 400, 'authorization_pending')
  provider.decide(flow.userCode, 'approve')
  const tokens = expectTokens(await nextPoll(flow))
  assert.equal(tokens.accessToken, provider.accessTokens().at(-1))
  const next = await refreshed(broker, device, tokens.refreshToken)
  expectRefusal(await poll(broker, device, flow.deviceCode), 400, 'invalid_grant')
  expectRefusal(await refresh(broker, device, next.refreshToken), 400, 'invalid_grant')
})

test('ten parallel polls ask the provider once, and never give two refresh tokens', async () => {
  const flow = await started()
  provider.decide(flow.userCode, 'approve')
  broker.advance(flow.interval)
  const answers = await Promise.all(Array.from({ length: 10 }, () => poll(broker, device, flow.deviceCode)))
  assert.equal(provider.count('poll'), 1)
  const given = new Set(answers.map(({ body }) => body.refresh_token).filter((token) => token !== undefined))
  assert.ok(given.size <= 1)
})

test('a client that polls as early as it is forgiven is never too early for the provider', async () => {
  const flow = await started()
  broker.advance(flow.interval)
  await poll(broker, device, flow.deviceCode)
  for (let polls = 0; polls < 3; polls++) {
    broker.advance(flow.interval - 1)
    expectRefusal(await poll(broker, device, flow.deviceCode), 400, 'authorization_pending')
  }
  assert.ok(flow.interval - 1 >= provider.behaviour.intervalSeconds)
  assert.equal(provider.count('poll'), 4)
  expectRefusal(await poll(broker, device, flow.deviceCode), 400, 'slow_down')
  assert.equal(provider.count('poll'), 4)
})

test('the provider’s slow_down is ours, and makes the interval longer for good', async () => {
  provider.behaviour.enforcesInterval = true
  const flow = await started()
  expectRefusal(await nextPoll(flow), 400, 'authorization_pending')
  // The broker's clock moves, the provider's does not.
  expectRefusal(await nextPoll(flow), 400, 'slow_down')
  broker.advance(flow.interval)
  expectRefusal(await poll(broker, device, flow.deviceCode), 400, 'slow_down')
})

test('a poll that comes too early makes no interval shorter, however long the provider’s is', async () => {
  provider.behaviour.intervalSeconds = 120
  const flow = await started()
  expectRefusal(await nextPoll(flow), 400, 'authorization_pending')
  for (const seconds of [30, 60]) {
    broker.advance(seconds)
    expectRefusal(await poll(broker, device, flow.deviceCode), 400, 'slow_down')
  }
  assert.equal(provider.count('poll'), 1)
  broker.advance(31)
  expectRefusal(await poll(broker, device, flow.deviceCode), 400, 'authorization_pending')
  assert.equal(provider.count('poll'), 2)
})

test('a device that heeds no slow_down is heard once a minute, and is given its tokens', async () => {
  const flow = await started()
  const polled = async (times: number) => {
    const answers: Answer[] = []
    for (let at = 0; at < times; at++) {
      broker.advance(6)
      for (const _ of [1, 2]) answers.push(await poll(broker, device, flow.deviceCode))
    }
    return answers
  }
  await polled(15)
  const before = provider.count('poll')
  for (const { body } of await polled(30)) assert.match(String(body.error), /^(slow_down|authorization_pending)$/)
  assert.equal(provider.count('poll') - before, 3, 'in three minutes')
  provider.decide(flow.userCode, 'approve')
  const given = (await polled(11)).filter(({ status }) => status === 200)
  assert.equal(given.length, 1)
})

test('a person who declines there has declined here', async () => {
  const flow = await started()
  provider.decide(flow.userCode, 'deny')
  for (const _ of [1, 2]) expectRefusal(await nextPoll(flow), 400, 'access_denied')
  assert.equal(provider.count('poll'), 1)
})

test('what has expired there has expired here, once nobody can be on the way with its tokens', async () => {
  provider.behaviour.deviceCodeSeconds = 60
  const flow = await started()
  broker.advance(61)
  expectRefusal(await poll(broker, device, flow.deviceCode), 400, 'expired_token')
  assert.equal(provider.count('poll'), 0)
  const another = await started()
  provider.forget()
  provider.fail('poll', { kind: 'refuse', status: 403, error: 'expired_token' }, 1)
  expectRefusal(await nextPoll(another), 400, 'authorization_pending')
  broker.advance(24)
  expectRefusal(await poll(broker, device, another.deviceCode), 400, 'authorization_pending')
  broker.advance(1)
  for (const _ of [1, 2]) expectRefusal(await poll(broker, device, another.deviceCode), 400, 'expired_token')
  assert.equal(provider.count('poll'), 1, 'what has expired there is not asked for again')
})

test('a provider that is out of reach at the start or at a poll is 503, and the flow goes on', async () => {
  provider.fail('device', unavailable, 1)
  expectUnavailable(await startDevice(broker, device))
  const flow = await started()
  provider.fail('poll', serverError, 1)
  expectUnavailable(await nextPoll(flow))
  provider.decide(flow.userCode, 'approve')
  expectTokens(await nextPoll(flow))
})

test('an answer that no standard allows is 503, told to ops, and the flow goes on', async () => {
  provider.fail('device', { kind: 'change', members: { verification_uri: 'javascript:alert(1)' } }, 1)
  expectUnavailable(await startDevice(broker, device))
  provider.fail('device', { kind: 'refuse', status: 400, error: 'unauthorized_client' }, 1)
  expectUnavailable(await startDevice(broker, device))
  const flow = await started()
  provider.fail('poll', { kind: 'refuse', status: 401, error: 'invalid_client' }, 1)
  expectUnavailable(await nextPoll(flow))
  expectRefusal(await nextPoll(flow), 400, 'authorization_pending')
})

test('an answer with tokens that is lost is 503, then pending, then expired_token: a device code is good once there, too', async () => {
  const flow = await started()
  provider.decide(flow.userCode, 'approve')
  broker.advance(flow.interval)
  provider.fail('poll', { kind: 'malformed' }, 1)
  expectUnavailable(await poll(broker, device, flow.deviceCode))
  expectRefusal(await nextPoll(flow), 400, 'authorization_pending')
  broker.advance(25)
  expectRefusal(await poll(broker, device, flow.deviceCode), 400, 'expired_token')
})

test('another client’s poll changes nothing, and the provider is not asked', async () => {
  const flow = await started()
  broker.advance(flow.interval)
  const foreign = { ...device, application: 'demo', clientId: 'cli' }
  expectRefusal(await poll(broker, foreign, flow.deviceCode), 400, 'invalid_grant')
  assert.equal(provider.count('poll'), 0)
})

test('the provider’s device code lies in the table sealed, and only until the person has decided', async () => {
  const dynamodb = String(process.env.AWS_ENDPOINT_URL_DYNAMODB)
  const flow = await started()
  const waiting = JSON.stringify(await wholeTable(dynamodb))
  assert.ok(waiting.includes('deviceLogin'))
  for (const secret of provider.secrets()) assert.ok(!waiting.includes(secret))
  const sid = sidOf(flow)
  provider.decide(flow.userCode, 'approve')
  expectTokens(await nextPoll(flow))
  const item = (await wholeTable(dynamodb)).find(({ pk, sk }) => pk?.S === `family#${sid}` && sk?.S === 'family')
  assert.ok(item !== undefined && item.deviceLogin === undefined)
})

test('Tokens that arrive after an operator has ended the sign-in are revoked at the provider.', async () => {
  const flow = await started()
  provider.decide(flow.userCode, 'approve')
  broker.advance(flow.interval)
  const held = provider.hold('poll')
  const polled = poll(broker, device, flow.deviceCode)
  await held.reached
  assert.equal((await revokeOne(broker, 'vaulted', sidOf(flow))).status, 200)
  const given = provider.liveRefreshTokens().at(-1) ?? assert.fail()
  held.release()
  expectRefusal(await polled, 400, 'invalid_grant')
  assert.equal(provider.requests.at(-1)?.parameters.token, given)
  assert.ok(!provider.liveRefreshTokens().includes(given))
})
