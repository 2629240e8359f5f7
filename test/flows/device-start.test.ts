/**
 * D1 to D6 and D19 to D25 of the cases, the front half: what a program is given at the start and what it is refused.
 *
 * Owns the device authorization endpoint (RFC 8628 §3.1, §3.2).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auth0Cli, basicWeb, cli, spa, web } from './support/callers.ts'
import { endpoint, fullScope, issuer, poll, startDevice } from './support/endpoints.ts'
import { expectRefusal, expectTokens, expectUncachedJson, string } from './support/expect.ts'
import { decide } from './support/flows.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { type Answer, get, postForm, postJson } from './support/wire.ts'

const broker = await sharedBroker()

const sixMembers = [
  'device_code',
  'expires_in',
  'interval',
  'user_code',
  'verification_uri',
  'verification_uri_complete',
]

function expectStarted(answer: Answer): void {
  assert.equal(answer.status, 200, answer.text)
  expectUncachedJson(answer)
  assert.deepEqual(Object.keys(answer.body).sort(), sixMembers)
}

test('D1 a start is answered with all six members, in the stated shapes, and nobody may store it', async () => {
  const answer = await startDevice(broker, cli)
  expectStarted(answer)
  assert.equal(answer.body.expires_in, 900)
  assert.equal(answer.body.interval, 5)
  assert.match(string(answer.body, 'device_code'), /^[A-Za-z0-9._~-]{40,}$/)
  const userCode = string(answer.body, 'user_code')
  assert.match(userCode, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  assert.equal(answer.body.verification_uri, `${issuer(broker, 'demo')}/activate`)
  const complete = new URL(string(answer.body, 'verification_uri_complete'))
  assert.equal(complete.origin + complete.pathname, answer.body.verification_uri)
  assert.ok(complete.search.includes(userCode), 'the complete address holds the code')
})

test('D1 two starts share neither code', async () => {
  const [one, other] = await Promise.all([startDevice(broker, cli), startDevice(broker, cli)])
  assert.notEqual(one.body.device_code, other.body.device_code)
  assert.notEqual(one.body.user_code, other.body.user_code)
})

test('D2 a GET makes nothing and is a 4xx', async () => {
  const url = new URL(endpoint(broker, 'demo', 'device_authorization'))
  url.search = new URLSearchParams({ client_id: 'cli', scope: fullScope }).toString()
  const answer = await get(url)
  assert.ok(answer.status >= 400 && answer.status < 500, `status ${answer.status}`)
  assert.doesNotMatch(answer.text, /user_code|device_code/)
})

test('D3 a JSON body with the same member names does what the form does', async () => {
  const url = endpoint(broker, 'demo', 'device_authorization')
  const started = await postJson(url, { client_id: 'cli', scope: 'openid offline_access' })
  expectStarted(started)
  await decide(
    {
      deviceCode: '',
      userCode: '',
      verificationUri: '',
      verificationUriComplete: string(started.body, 'verification_uri_complete'),
    },
    'approve',
  )
  const tokens = await postJson(endpoint(broker, 'demo', 'token'), {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: 'cli',
    device_code: started.body.device_code,
  })
  assert.equal(expectTokens(tokens).body.scope, 'openid offline_access')
})

test('D3 a JSON body whose parameter is not a string is invalid_request', async () => {
  const url = endpoint(broker, 'demo', 'device_authorization')
  for (const scope of [['openid'], 7, { openid: true }]) {
    expectRefusal(await postJson(url, { client_id: 'cli', scope }), 400, 'invalid_request')
  }
})

test('D4 an unknown client, or a confidential one without its secret, is invalid_client', async () => {
  const url = endpoint(broker, 'demo', 'device_authorization')
  for (const clientId of ['nobody', 'web', 'basic']) {
    expectRefusal(await postForm(url, { client_id: clientId, scope: fullScope }), 401, 'invalid_client')
  }
})

test('D5 a client without the device grant is unauthorized_client', async () => {
  for (const caller of [web, basicWeb, spa]) {
    expectRefusal(await startDevice(broker, caller), 400, 'unauthorized_client')
  }
})

test('D6 a scope or an audience that is not the client’s is refused, not cut down', async () => {
  expectRefusal(await startDevice(broker, cli, { scope: 'openid admin' }), 400, 'invalid_scope')
  expectRefusal(await startDevice(broker, cli, { audience: 'https://other.example' }), 400, 'invalid_target')
  const own = await startDevice(broker, cli, { audience: 'https://api.example.test' })
  assert.equal(own.status, 200, own.text)
})

test('D7 D10 the very first poll, at once, is authorization_pending', async () => {
  const started = await startDevice(broker, cli)
  expectRefusal(await poll(broker, cli, string(started.body, 'device_code')), 400, 'authorization_pending')
})

test('D7 an application with the auth0 profile says pending with a 403', async () => {
  const started = await startDevice(broker, auth0Cli)
  expectRefusal(await poll(broker, auth0Cli, string(started.body, 'device_code')), 403, 'authorization_pending')
})
