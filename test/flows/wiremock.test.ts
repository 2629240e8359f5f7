/**
 * The device flow of a service that stands on Auth0, with the broker in between: people go through the provider's own
 * device login, its tokens stay with the broker, and the command line is given its access token.
 *
 * W numbers are those of docs/cases.md, of the broker as a client.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, mock, test } from 'node:test'
import type { Caller } from './support/callers.ts'
import { call, poll, revoke, startDevice } from './support/endpoints.ts'
import { claimsOf, expectRefusal, expectTokens, refreshed, string, type Tokens } from './support/expect.ts'
import { connectDevice } from './support/tenant.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import type { Answer } from './support/wire.ts'

const cli: Caller = { application: 'wiremock', clientId: 'cli', auth: 'none' }
const workerHost: Caller = { ...cli, clientId: 'worker-host' }
const worker: Caller = { ...cli, clientId: 'worker', auth: 'client_secret_basic', secret: 'worker-secret' }
const audience = 'https://api.wiremock.example'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

let broker: TimedBroker
before(async () => {
  broker = await startTimedBroker()
})
beforeEach(() => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  broker.freeze()
})
afterEach(() => mock.timers.reset())
after(() => broker.stop())

/** For the broker and, in the same process, for the provider. */
function later(seconds: number): void {
  mock.timers.tick(seconds * 1_000)
  broker.advance(seconds)
}

async function started(caller = cli): Promise<Answer['body'] & { readonly deviceCode: string; readonly uri: string }> {
  const { status, body, text } = await startDevice(broker, caller)
  assert.equal(status, 200, text)
  return { ...body, deviceCode: string(body, 'device_code'), uri: string(body, 'verification_uri_complete') }
}

async function session(caller = cli): Promise<Tokens> {
  const { deviceCode, uri } = await started(caller)
  assert.match((await connectDevice(uri)).text, /The device is connected/)
  later(6)
  return expectTokens(await poll(broker, caller, deviceCode))
}

const issuerOf = ({ accessToken }: Tokens) => String(claimsOf(accessToken).iss)
const isTheProviders = (tokens: Tokens) => issuerOf(tokens).endsWith('/tenant/')

test('W33 the caller is handed the provider’s user code, both addresses, deadline and interval, and a device code of ours', async () => {
  const {
    user_code: userCode,
    verification_uri: uri,
    uri: complete,
    expires_in,
    interval,
    deviceCode,
  } = await started()
  assert.match(String(uri), /\/tenant\/activate$/)
  assert.equal(complete, `${uri}?user_code=${userCode}`)
  assert.equal(expires_in, 900)
  assert.ok(Number(interval) > 5, 'the provider’s, and what we forgive our callers')
  assert.match(deviceCode, /^dc_/)
})

test('W32 W34 pending, then the provider’s access token for its API, and a refresh token of ours', async () => {
  const { deviceCode, uri } = await started()
  expectRefusal(await poll(broker, cli, deviceCode), 400, 'authorization_pending')
  await connectDevice(uri)
  later(6)
  const tokens = expectTokens(await poll(broker, cli, deviceCode))
  assert.ok(isTheProviders(tokens))
  const { aud } = claimsOf(tokens.accessToken)
  assert.ok(Array.isArray(aud) && aud.includes(audience))
  assert.ok(Number(tokens.body.expires_in) <= 300)
  assert.match(tokens.refreshToken, /^rt_/)
  expectRefusal(await poll(broker, cli, deviceCode), 400, 'invalid_grant')
})

test('W35 a caller that polls too fast is slowed down by us, and gets its tokens all the same', async () => {
  const { deviceCode, uri } = await started()
  expectRefusal(await poll(broker, cli, deviceCode), 400, 'authorization_pending')
  for (let turn = 0; turn < 3; turn += 1) expectRefusal(await poll(broker, cli, deviceCode), 400, 'slow_down')
  await connectDevice(uri)
  later(30)
  assert.ok(isTheProviders(expectTokens(await poll(broker, cli, deviceCode))))
})

test('W34 W35 who says no at the provider has said no, and a code that expires there has expired', async () => {
  const [denied, late] = [await started(), await started()]
  await connectDevice(denied.uri, { decision: 'abort' })
  later(6)
  for (let turn = 0; turn < 2; turn += 1) {
    expectRefusal(await poll(broker, cli, denied.deviceCode), 400, 'access_denied')
    later(6)
  }
  later(900)
  expectRefusal(await poll(broker, cli, late.deviceCode), 400, 'expired_token')
})

test('W39 the provider’s access token is the same until it is about to expire, and then a new one', async () => {
  const first = await session()
  later(100)
  const second = await refreshed(broker, cli, first.refreshToken)
  assert.equal(second.accessToken, first.accessToken)
  assert.ok(Number(second.body.expires_in) <= 200)
  later(195)
  const third = await refreshed(broker, cli, second.refreshToken)
  assert.ok(isTheProviders(third) && third.accessToken !== first.accessToken)
  assert.ok(Number(third.body.expires_in) > 200)
  later(295)
  await refreshed(broker, cli, third.refreshToken)
})

test('W17 ours is single use over the provider’s: a used refresh token of ours ends the session', async () => {
  const first = await session()
  const second = await refreshed(broker, cli, first.refreshToken)
  for (const { refreshToken } of [first, second]) {
    const answer = await call(broker, cli, 'token', { grant_type: 'refresh_token', refresh_token: refreshToken })
    expectRefusal(answer, 400, 'invalid_grant')
  }
})

test('W22 revoked, it is over', async () => {
  const { refreshToken } = await session()
  assert.equal((await revoke(broker, cli, refreshToken)).status, 200)
  const answer = await call(broker, cli, 'token', { grant_type: 'refresh_token', refresh_token: refreshToken })
  expectRefusal(answer, 400, 'invalid_grant')
})

const exchange = (caller: Caller, subjectToken: string) =>
  call(broker, caller, 'token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: accessTokenType,
  })

test('a worker exchanges its host’s access token, which is ours, for the provider’s', async () => {
  const host = await session(workerHost)
  assert.ok(issuerOf(host).endsWith('/wiremock'))
  const tokens = expectTokens(await exchange(worker, host.accessToken))
  assert.ok(isTheProviders(tokens))
  assert.equal(tokens.refreshToken, '')
  expectRefusal(await exchange(cli, host.accessToken), 403, 'unauthorized_client')
})

test('W37 ten workers at once cause one refresh, for a provider that ends the sign-in at a second', async () => {
  const host = await session(workerHost)
  const before = expectTokens(await exchange(worker, host.accessToken))
  later(301)
  const next = await refreshed(broker, workerHost, host.refreshToken)
  const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(worker, next.accessToken)))
  const tokens = new Set(answers.map((answer) => expectTokens(answer).accessToken))
  assert.equal(tokens.size, 1)
  assert.ok(!tokens.has(before.accessToken))
  later(301)
  const last = await refreshed(broker, workerHost, next.refreshToken)
  assert.ok(!tokens.has(expectTokens(await exchange(worker, last.accessToken)).accessToken))
})
