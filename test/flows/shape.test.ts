/**
 * A9 to A15 of the cases: the shape of requests, good, odd and hostile, and of what is answered.
 *
 * Owns bodies, methods and limits of the POST endpoints (contract.md §2).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basicWeb, cli } from './support/callers.ts'
import { call, deviceGrant, endpoint, introspect, poll, refresh, startDevice } from './support/endpoints.ts'
import { expectRefusal, expectTokens, refreshed, string } from './support/expect.ts'
import { device, deviceCode } from './support/flows.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { type Answer, get, postForm, postJson, postRaw, send } from './support/wire.ts'

const broker = await sharedBroker()

const url = (path = 'token') => endpoint(broker, 'demo', path)
const postEndpoints = [
  'token',
  'token/device',
  'token/code',
  'token/refresh',
  'revoke',
  'introspect',
  'device_authorization',
]
const formType = { 'content-type': 'application/x-www-form-urlencoded' }

test('A9 no grant_type, or an empty one, is invalid_request', async () => {
  expectRefusal(await call(broker, cli, 'token', { refresh_token: 'x' }), 400, 'invalid_request')
  expectRefusal(await call(broker, cli, 'token', { grant_type: '' }), 400, 'invalid_request')
  expectRefusal(await postJson(url(), { client_id: 'cli' }), 400, 'invalid_request')
})

test('A10 a grant_type that nobody knows is unsupported_grant_type', async () => {
  for (const grant of ['password', 'implicit', 'REFRESH_TOKEN', 'constructor', '__proto__', 'é']) {
    expectRefusal(await call(broker, cli, 'token', { grant_type: grant }), 400, 'unsupported_grant_type')
  }
})

test('A10 each of the narrow routes knows its own grant alone', async () => {
  const grants = { 'token/device': deviceGrant, 'token/code': 'authorization_code', 'token/refresh': 'refresh_token' }
  for (const [path, own] of Object.entries(grants)) {
    for (const other of Object.values(grants).filter((grant) => grant !== own)) {
      const fields = { grant_type: other, refresh_token: 'x', device_code: 'x', code: 'x', redirect_uri: 'x' }
      expectRefusal(await call(broker, cli, path, fields), 400, 'unsupported_grant_type')
    }
  }
})

test('A10 a grant that the client is not registered for is unauthorized_client', async () => {
  expectRefusal(
    await call(broker, basicWeb, 'token', { grant_type: deviceGrant, device_code: 'x' }),
    400,
    'unauthorized_client',
  )
})

test('A11 a GET is a 4xx at every POST endpoint, and nothing is spent', async () => {
  const { refreshToken } = await device(broker)
  const query = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'cli' })
  for (const path of postEndpoints) {
    const answer = await get(`${url(path)}?${query}`)
    assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status}`)
  }
  await refreshed(broker, cli, refreshToken)
})

test('A11 parameters in the query string of a POST do not count', async () => {
  const { refreshToken } = await device(broker)
  const query = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'cli' })
  expectRefusal(await postRaw(`${url()}?${query}`, '', formType), 400, 'invalid_request')
  const half = await postForm(`${url()}?refresh_token=${refreshToken}`, {
    grant_type: 'refresh_token',
    client_id: 'cli',
  })
  expectRefusal(half, 400, 'invalid_request')
  await refreshed(broker, cli, refreshToken)
})

test('A13 parameters that nobody knows are ignored, once or twice, in the body and in the query', async () => {
  const { refreshToken } = await device(broker)
  const body = `foo=1&foo=2&client_id=cli&grant_type=refresh_token&refresh_token=${refreshToken}&resource_hint=&__proto__=x`
  const second = expectTokens(await postRaw(`${url()}?foo=1&foo=2&grant_type=password`, body, formType))
  const json = { grant_type: 'refresh_token', client_id: 'cli', refresh_token: second.refreshToken, extra: { a: [1] } }
  expectTokens(await postJson(url(), json))
})

test('A13 a raw colon in grant_type, any order, a plus for a space and a charset are all good', async () => {
  const started = await postRaw(url('device_authorization'), 'scope=openid+email&client_id=cli', {
    'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
  })
  assert.equal(started.status, 200, started.text)
  const body = `device_code=${string(started.body, 'device_code')}&grant_type=${deviceGrant}&client_id=cli`
  expectRefusal(await postRaw(url(), body, formType), 400, 'authorization_pending')
})

test('A13 an empty parameter counts as absent', async () => {
  const started = await startDevice(broker, cli, { audience: '', scope: 'openid' })
  assert.equal(started.status, 200, started.text)
  const { refreshToken } = await device(broker)
  expectTokens(await refresh(broker, cli, refreshToken, { scope: '', client_secret: '' }))
})

test('A14 descriptions hold printable characters alone, and repeat neither a secret nor a token', async () => {
  const { refreshToken } = await device(broker)
  const hostile = ['"\\\r\n\tü€\u0000', '<script>alert(1)</script>', '%0d%0aSet-Cookie: a=b', '\u202e\ud83d\ude00']
  for (const odd of hostile) {
    const answers = [
      await call(broker, cli, 'token', { grant_type: odd }),
      await startDevice(broker, cli, { scope: odd }),
      await startDevice(broker, cli, { audience: odd }),
      await refresh(broker, cli, refreshToken, { scope: `${odd} admin` }),
      await refresh(broker, cli, odd),
      await poll(broker, cli, odd),
      await refresh(broker, { ...cli, clientId: odd }, refreshToken),
    ]
    for (const answer of answers) expectSaneRefusal(answer, [refreshToken])
  }
  const secret = 'a-secret-that-must-not-come-back'
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'web', client_secret: secret }
  expectSaneRefusal(await postForm(url(), fields), [secret, refreshToken])
  await refreshed(broker, cli, refreshToken)
})

function expectSaneRefusal(answer: Answer, secrets: readonly string[]): void {
  assert.ok(answer.status === 400 || answer.status === 401, `${answer.status} ${answer.text}`)
  expectRefusal(answer, answer.status, string(answer.body, 'error'))
  assert.equal(answer.headers['set-cookie'], undefined)
  for (const secret of secrets) assert.ok(!JSON.stringify(answer).includes(secret), 'a secret came back')
}

test('A15 a megabyte, ten thousand parameters and NUL are a 4xx, in under a second', async () => {
  const { refreshToken } = await device(broker)
  const megabyte = 'x'.repeat(1_000_000)
  const many = Array.from({ length: 10_000 }, (_, at) => `p${at}=1`).join('&')
  const credentials = `client_id=cli&grant_type=refresh_token&refresh_token=${refreshToken}`
  const bodies: readonly (readonly [string, string])[] = [
    [`${credentials}&filler=${megabyte}`, formType['content-type']],
    [JSON.stringify({ client_id: 'cli', token: megabyte }), 'application/json'],
    [`${many}&${credentials}`, formType['content-type']],
    ['client_id=cli%00&grant_type=refresh_token&refresh_token=x%00&token=%00', formType['content-type']],
    ['['.repeat(50_000), 'application/json'],
  ]
  for (const path of postEndpoints) {
    for (const [body, type] of bodies) {
      const startedAt = performance.now()
      const answer = await postRaw(url(path), body, { 'content-type': type })
      const took = performance.now() - startedAt
      assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status} ${answer.text}`)
      assert.ok(took < 1000, `${path}: ${Math.round(took)} ms`)
    }
  }
  await refreshed(broker, cli, refreshToken)
})

test('A15 NUL inside a token is the caller’s fault, not a failure', async () => {
  const { refreshToken, accessToken } = await device(broker)
  for (const answer of [
    await refresh(broker, cli, `${refreshToken}\u0000`),
    await poll(broker, cli, '\u0000'),
    await startDevice(broker, cli, { scope: 'openid\u0000' }),
  ]) {
    expectRefusal(answer, 400, string(answer.body, 'error'))
  }
  const told = await introspect(broker, `${accessToken}\u0000`)
  assert.ok(told.status < 500 && told.body.active !== true, told.text)
  await refreshed(broker, cli, refreshToken)
})

test('A15 a body that is not what it says, or of a type that nobody reads, is invalid_request', async () => {
  const { deviceCode: code } = await deviceCode(broker)
  const fields = { client_id: 'cli', grant_type: deviceGrant, device_code: code }
  const bodies: readonly (readonly [string, string])[] = [
    ['{"client_id":', 'application/json'],
    ['[]', 'application/json'],
    ['null', 'application/json'],
    ['"text"', 'application/json'],
    [JSON.stringify(fields), 'text/plain'],
    ['<xml/>', 'application/xml'],
  ]
  for (const [body, type] of bodies) {
    const answer = await postRaw(url(), body, { 'content-type': type })
    assert.ok(answer.status === 400 || answer.status === 415, `${type} ${body}: ${answer.status}`)
    assert.equal(answer.body.error, 'invalid_request')
  }
  const malformed = await postRaw(url(), 'client_id=%ZZ&grant_type=%', formType)
  assert.ok([400, 401].includes(malformed.status), malformed.text)
  const bare = await send(url(), { method: 'POST' })
  assert.ok([400, 401].includes(bare.status), bare.text)
})
