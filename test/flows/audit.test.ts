/**
 * The audit: every event of docs/audit.md is led to, and whatever is logged on the way has its event's fields, metrics that
 * CloudWatch takes, and no secret.
 *
 * Owns the way to each event. What the events mean is their own flows' tests' affair. Those of the keyring, which no route
 * leads to, are in rotate-keys.test.ts, secrets.test.ts and check-keys.test.ts.
 */
import '../support/hasty-sweeps.ts'
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { handler as retryRevocations } from '../../functions/retry-revocations.ts'
import { contextOf } from '../../local/gateway/event.ts'
import { sink } from '../../shared/log.ts'
import { logEvents } from '../../shared/log-events.ts'
import { processParts as composed } from '../../shared/parts.ts'
import { type FallibleProvider, serverError, startFallibleProvider } from '../support/fallible-provider.ts'
import { expectMetrics, expectSchema, type LogLine, readLine } from '../support/log-lines.ts'
import { itemAt, putItem } from '../support/table.ts'
import { type Caller, cli, job, web } from './support/callers.ts'
import { call, poll, refresh, revoke } from './support/endpoints.ts'
import { claimsOf, expectRefusal, expectTokens, expectUnavailable, refreshed } from './support/expect.ts'
import { authorize, code, decide, device, deviceCode, type Session, type } from './support/flows.ts'
import { revokeMany, revokeOne } from './support/ops.ts'
import { Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import { randomUserCode } from './support/user-code.ts'
import { addVaulted, agent, endLeases, exchangeToken, expireAll, graced, host, worker } from './support/vault.ts'

let provider: FallibleProvider
let broker: TimedBroker
const ownSink = { ...sink }
const texts: string[] = []
before(async () => {
  provider = await startFallibleProvider()
  broker = await startTimedBroker(registryFile((copy) => addVaulted(copy, provider, { revokeTokens: true })))
  Object.assign(sink, { write: (line: string) => void texts.push(line), metricsNamespace: 'TokenBroker/test' })
})
afterEach(() => {
  provider.heal()
  provider.forget()
})
after(async () => {
  Object.assign(sink, ownSink)
  await broker.stop()
  await provider.stop()
})

/** What must be in no line, beside the provider's own. */
const secrets: string[] = []
const dynamodb = () => String(process.env.AWS_ENDPOINT_URL_DYNAMODB)
const service: Caller = {
  application: 'demo',
  clientId: 'service',
  auth: 'client_secret_basic',
  secret: 'service-secret',
}

function kept<One extends Session>(session: One): One {
  secrets.push(session.accessToken, session.refreshToken, session.idToken)
  return session
}

/** The newest line of that event. */
function last(event: string): LogLine {
  const found = texts.map(readLine).findLast((line) => line.event === event)
  assert.ok(found, `no line of ${event}`)
  return found
}

/** The members that say whose it was. */
function whose({ application, client_id, sid, sub }: LogLine): unknown[] {
  return [application, client_id, sid, sub]
}

const sidOf = ({ accessToken }: Session) => claimsOf(accessToken).sid

test('a device: opened, approved, redeemed, rotated; and denied', async () => {
  const session = kept(await device(broker, cli))
  secrets.push(session.started.deviceCode, session.started.userCode)
  const { sid, sub } = claimsOf(session.accessToken)
  assert.deepEqual(whose(last('session.opened')), ['demo', 'cli', sid, undefined], 'nobody has signed in yet')
  for (const event of ['session.approved', 'session.redeemed']) {
    assert.deepEqual(whose(last(event)), ['demo', 'cli', sid, sub])
    assert.equal(last(event).flow, 'device')
  }
  const next = await refreshed(broker, cli, session.refreshToken)
  secrets.push(next.refreshToken, next.accessToken)
  assert.deepEqual(
    [...whose(last('session.rotated')), last('session.rotated').generation],
    ['demo', 'cli', sid, sub, 2],
  )
  const declined = await deviceCode(broker)
  await decide(declined, 'deny')
  secrets.push(declined.deviceCode, declined.userCode)
  assert.equal(last('session.denied').client_id, 'cli')
})

test('a code: opened by a person, redeemed; what a client ends, and what another one tries', async () => {
  const session = kept(await code(broker, web))
  secrets.push(session.code)
  const { sub } = claimsOf(session.accessToken)
  assert.deepEqual(whose(last('session.opened')), ['demo', 'web', sidOf(session), sub])
  assert.equal(last('session.redeemed').flow, 'code')
  expectRefusal(await refresh(broker, cli, session.refreshToken), 400, 'invalid_grant')
  assert.deepEqual(whose(last('credential.foreign')), ['demo', 'cli', sidOf(session), undefined], 'who showed it')
  assert.equal((await revoke(broker, cli, session.refreshToken)).status, 200)
  assert.equal((await revoke(broker, web, session.refreshToken)).status, 200)
  assert.deepEqual(whose(last('session.revoked')), ['demo', 'web', sidOf(session), sub])
  assert.deepEqual([last('session.revoked').reason, last('session.revoked').Revocations], ['client', 1])
})

test('a replay within the grace, and reuse, which is told once: what comes later finds the session dead', async () => {
  const session = kept(await device(broker, job))
  const { refreshToken } = await refreshed(broker, job, session.refreshToken)
  assert.equal((await refreshed(broker, job, session.refreshToken)).refreshToken, refreshToken)
  assert.equal(last('session.grace_retry').sid, sidOf(session))
  secrets.push((await refreshed(broker, job, refreshToken)).refreshToken, refreshToken)
  const refused = await refresh(broker, job, session.refreshToken)
  expectRefusal(refused, 400, 'invalid_grant')
  const reuse = last('session.reuse_detected')
  assert.deepEqual(whose(reuse), ['demo', 'job', sidOf(session), claimsOf(session.accessToken).sub])
  assert.deepEqual([reuse.level, reuse.generation, reuse.ReuseDetected], ['warn', 1, 1])
  assert.equal(reuse.reason, 'session ended at generation 3')
  assert.equal(reuse.request_id, refused.headers['x-request-id'])
  assert.deepEqual([last('request').reason, last('request').ReauthenticationsNeeded], ['reuse', 1])
  expectRefusal(await refresh(broker, job, session.refreshToken), 400, 'invalid_grant')
  assert.deepEqual([last('request').reason, last('request').ReauthenticationsNeeded], ['revoked', 1])
  assert.deepEqual(last('session.reuse_detected'), reuse)
})

test('a wrong user code, a service in its own name, a client that is not who it says', async () => {
  const wrong = randomUserCode()
  secrets.push(wrong)
  await type(new Person(), `${broker.url}/demo/activate`, wrong, 'approve')
  assert.deepEqual(whose(last('user_code.wrong')), ['demo', undefined, undefined, undefined])
  const issued = expectTokens(await call(broker, service, 'token', { grant_type: 'client_credentials' }))
  secrets.push(issued.accessToken)
  assert.deepEqual(whose(last('token.issued')), ['demo', 'service', undefined, 'service'])
  const thief = { ...service, secret: 'a guess at a secret' }
  assert.equal((await call(broker, thief, 'token', { grant_type: 'client_credentials' })).status, 401)
  assert.deepEqual([last('request').client_id, last('request').ClientAuthenticationFailures], ['service', 1])
})

test('what ops end: one, all of a person, all of a client, all of an application', async () => {
  const person = new Person({ name: 'grace' })
  const [one, two] = [kept(await device(broker, cli, {}, person)), kept(await device(broker, cli, {}, person))]
  await revokeOne(broker, 'demo', String(sidOf(one)), 'laptop lost')
  assert.deepEqual([last('session.revoked').sid, last('session.revoked').note], [sidOf(one), 'laptop lost'])
  const { sub } = claimsOf(two.accessToken)
  const bodies = [{ subject: sub }, { client_id: 'cli' }, { all: true }]
  for (const [at, reason] of ['ops:subject', 'ops:client', 'ops:application'].entries()) {
    assert.equal((await revokeMany(broker, 'demo', { ...bodies[at], reason: 'a drill' })).status, 200)
    const { note, actor, ...line } = last('sessions.revoked')
    assert.deepEqual([line.reason, note], [reason, 'a drill'])
    assert.match(String(actor), /^arn:aws:iam::/)
  }
  broker.advance(1)
})

test('the provider’s tokens: handed to a worker, fetched anew, late, refused, out of reach', async () => {
  const hosted = kept(await code(broker, host))
  const { sub } = claimsOf(hosted.accessToken)
  assert.equal((await exchangeToken(broker, worker, hosted.accessToken)).status, 200)
  assert.deepEqual(whose(last('token.exchanged')), ['vaulted', 'worker', sidOf(hosted), sub])
  await expireAll(dynamodb())
  assert.equal((await exchangeToken(broker, worker, hosted.accessToken)).status, 200)
  assert.deepEqual(whose(last('provider.refreshed')), ['vaulted', 'host', sidOf(hosted), sub], 'whose tokens they are')

  const session = kept(await code(broker, graced))
  await expireAll(dynamodb())
  provider.behaviour.rotates = false
  const held = provider.hold('refresh')
  const first = refresh(broker, graced, session.refreshToken)
  await held.reached
  await endLeases(dynamodb())
  const second = await refreshed(broker, graced, session.refreshToken)
  held.release()
  expectTokens(await first)
  assert.equal(last('provider.refreshed_late').client_id, 'graced')

  await expireAll(dynamodb())
  provider.fail('refresh', serverError, 1)
  expectUnavailable(await refresh(broker, graced, second.refreshToken))
  assert.equal(last('provider.refresh_failed').client_id, 'graced')
  assert.deepEqual([last('fault').reason, last('fault').client_id], ['provider', 'graced'])
  assert.equal(last('fault').ProviderFailures, 1)
  await expireAll(dynamodb())
  for (const token of provider.liveRefreshTokens()) provider.end(token)
  expectRefusal(await refresh(broker, graced, second.refreshToken), 400, 'invalid_grant')
  assert.equal(last('provider.refresh_refused').client_id, 'graced')
  assert.deepEqual([last('session.revoked').reason, last('session.revoked').level], ['provider', 'warn'])
})

test('a sign-in whose provider answers what no standard allows', async () => {
  provider.fail('code', { kind: 'change', members: { id_token: undefined } }, 1)
  const landed = await authorize(broker, agent)
  assert.equal(landed.searchParams.get('error'), 'server_error')
  const line = last('provider.unexpected')
  assert.deepEqual([line.level, line.client_id, line.ProviderFailures], ['error', 'agent', 1])
})

test('the end of a session is told to the provider: at once, later, never', async () => {
  const session = kept(await code(broker, agent))
  await revoke(broker, agent, session.refreshToken)
  assert.deepEqual(whose(last('provider.revoked')), whose(last('session.revoked')))
  const unlucky = kept(await code(broker, agent))
  provider.fail('revoke', serverError)
  await revoke(broker, agent, unlucky.refreshToken)
  assert.equal(last('provider.revocation_failed').request_id, last('session.revoked').request_id)
  broker.advance(8 * 86_400)
  await retryRevocations({}, contextOf('retry-revocations'))
  assert.deepEqual(whose(last('provider.revocation_abandoned')), whose(last('session.revoked')))
  assert.equal(last('provider.revocation_abandoned').RevocationsAbandoned, 1)
})

test('a session whose application has another provider by now', async () => {
  const session = kept(await code(broker, graced))
  const key = { pk: 'application#vaulted', sk: 'application' }
  const { table } = composed()
  const application = (await itemAt(table, key.pk, key.sk))!
  await putItem(table, { ...application, provider: { ...Object(application.provider), clientId: 'another' } })
  composed().registrations.forget('vaulted')
  expectRefusal(await refresh(broker, graced, session.refreshToken), 400, 'invalid_grant')
  assert.deepEqual(whose(last('provider.changed')), whose(last('session.revoked')))
  await putItem(table, application)
  composed().registrations.forget('vaulted')
})

test('a request at an application that is not there', async () => {
  assert.equal((await poll(broker, { ...cli, application: 'nobody' }, 'dc_x')).status, 404)
  assert.deepEqual([last('request').application, last('request').status], [undefined, 404])
})

test('every line of all this has the fields of its event, metrics that CloudWatch takes, and nothing to hide', () => {
  const lines = texts.map(readLine)
  for (const line of lines) {
    expectSchema(line)
    if (line._aws !== undefined) expectMetrics(line)
  }
  const never = Object.keys(logEvents).filter((event) => !lines.some((line) => line.event === event))
  assert.deepEqual(
    never.filter((event) => !/^(keyring|registry)\./.test(event)),
    [],
    'each event was led to',
  )
  const log = texts.join('\n')
  const hidden = [
    ...secrets,
    ...provider.secrets(),
    ...provider.accessTokens(),
    'service-secret',
    'a guess at a secret',
  ]
  for (const secret of hidden.filter((one) => one !== '')) assert.ok(!log.includes(secret), `${secret} is in the log`)
})
