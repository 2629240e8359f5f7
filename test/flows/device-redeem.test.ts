/**
 * D14 to D18 and D23 of the cases: a device code is good once, for its own client at its own application.
 *
 * Owns the device_code grant after the person has decided.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auth0Cli, cli, job } from './support/callers.ts'
import { call, deviceGrant, endpoint, fullScope, poll, refresh } from './support/endpoints.ts'
import { claimsOf, expectDead, expectErrorPage, expectRefusal, expectTokens, string } from './support/expect.ts'
import { decide, device, deviceCode, type } from './support/flows.ts'
import { Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { postForm } from './support/wire.ts'

const broker = await sharedBroker()

test('D14 once approved, a poll brings access, refresh and ID token for the scopes and audience of the start', async () => {
  const { body, accessToken, refreshToken, idToken } = await device(broker)
  assert.equal(body.expires_in, 300)
  assert.equal(body.scope, fullScope)
  assert.notEqual(refreshToken, '')
  assert.equal(claimsOf(idToken).aud, 'cli')
  const { scope, aud, client_id } = claimsOf(accessToken)
  assert.deepEqual([scope, [aud].flat().includes('https://api.example.test'), client_id], [fullScope, true, 'cli'])
})

test('D14 scopes come back in the order asked for; without openid no ID token, without offline_access no refresh token', async () => {
  const one = await device(broker, cli, { scope: 'email profile' })
  assert.deepEqual([one.body.scope, one.idToken, one.refreshToken], ['email profile', '', ''])
  const other = await device(broker, cli, { scope: 'offline_access openid' })
  assert.equal(claimsOf(other.accessToken).scope, 'offline_access openid')
  assert.ok(other.idToken !== '' && other.refreshToken !== '')
})

test('D14 the route for polling alone answers the same', async () => {
  const started = await deviceCode(broker)
  const url = endpoint(broker, 'demo', 'token/device')
  const form = { grant_type: deviceGrant, client_id: 'cli', device_code: started.deviceCode }
  expectRefusal(await postForm(url, form), 400, 'authorization_pending')
  const approved = await deviceCode(broker)
  await decide(approved, 'approve')
  expectTokens(await postForm(url, { ...form, device_code: approved.deviceCode }))
})

test('D15 the same device code once more is invalid_grant, and what it gave is dead', async () => {
  const session = await device(broker)
  expectRefusal(await poll(broker, cli, session.started.deviceCode), 400, 'invalid_grant')
  await expectDead(broker, session)
})

test('D15 a device code shown again after the tokens were refreshed kills the newest of them', async () => {
  const session = await device(broker)
  const next = expectTokens(await refresh(broker, cli, session.refreshToken))
  expectRefusal(await poll(broker, cli, session.started.deviceCode), 400, 'invalid_grant')
  await expectDead(broker, { caller: cli, ...next })
})

test('D16 ten parallel polls after approval never give two distinct refresh tokens', async () => {
  for (let round = 0; round < 3; round += 1) {
    const started = await deviceCode(broker)
    await decide(started, 'approve')
    const answers = await Promise.all(Array.from({ length: 10 }, () => poll(broker, cli, started.deviceCode)))
    const given = answers.filter(({ status }) => status === 200)
    assert.deepEqual(
      answers.filter(({ status }) => status >= 500),
      [],
    )
    assert.ok(new Set(given.map(({ body }) => body.refresh_token)).size <= 1, `${given.length} answers with tokens`)
  }
})

test('D17 another client’s poll is invalid_grant and costs the owner nothing', async () => {
  const started = await deviceCode(broker)
  expectRefusal(await poll(broker, job, started.deviceCode), 400, 'invalid_grant')
  await decide(started, 'approve')
  expectRefusal(await poll(broker, job, started.deviceCode), 400, 'invalid_grant')
  const tokens = expectTokens(await poll(broker, cli, started.deviceCode))
  expectRefusal(await poll(broker, job, started.deviceCode), 400, 'invalid_grant')
  expectTokens(await refresh(broker, cli, tokens.refreshToken))
})

test('D17 another client’s poll is not counted against the owner’s interval', async () => {
  const started = await deviceCode(broker)
  expectRefusal(await poll(broker, job, started.deviceCode), 400, 'invalid_grant')
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
})

test('D18 an unknown device code is invalid_grant, none or an empty one invalid_request', async () => {
  const { deviceCode: real } = await deviceCode(broker)
  const flipped = real.slice(0, -5) + (real.at(-5) === 'A' ? 'B' : 'A') + real.slice(-4)
  for (const unknown of ['dc_unknown', 'x', real.slice(0, -1), flipped, 'ü€', `${real}A`]) {
    expectRefusal(await poll(broker, cli, unknown), 400, 'invalid_grant')
  }
  expectRefusal(await call(broker, cli, 'token', { grant_type: deviceGrant }), 400, 'invalid_request')
  expectRefusal(await poll(broker, cli, ''), 400, 'invalid_request')
})

test('D23 a device code on another application’s path is refused and changes nothing', async () => {
  const started = await deviceCode(broker)
  expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 403, 'invalid_grant')
  await decide(started, 'approve')
  expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 403, 'invalid_grant')
  const { refreshToken } = expectTokens(await poll(broker, cli, started.deviceCode))
  expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 403, 'invalid_grant')
  expectTokens(await refresh(broker, cli, refreshToken))
})

test('D23 a user code typed at another application’s page is unknown there and still good at its own', async () => {
  const started = await deviceCode(broker)
  const elsewhere = `${broker.url}/auth0like/activate`
  expectErrorPage(await type(new Person(), elsewhere, started.userCode, 'approve'))
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
  const page = await decide(started, 'approve')
  assert.equal(page.status, 200, page.text)
})

test('D14 every client may sign in the same person: one subject, one session each', async () => {
  const person = new Person({ name: 'grace' })
  const [first, second] = [await device(broker, cli, {}, person), await device(broker, job, {}, person)]
  const [a, b] = [claimsOf(first.accessToken), claimsOf(second.accessToken)]
  assert.equal(a.sub, b.sub)
  assert.notEqual(a.sid, b.sid)
  assert.match(string(a, 'sid'), /^[A-Za-z0-9._~-]{16,}$/)
})
