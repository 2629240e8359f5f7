/**
 * A1 to A5, A7 and A16 of the cases: how a client authenticates, and that a failure tells nothing and spends nothing.
 *
 * Owns client authentication at every endpoint that asks for it (RFC 6749 §2.3); odd ids and secrets, which need a
 * registry of their own, are in own-registry.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api, auth0Cli, basicWeb, type Caller, cli, spa, web } from './support/callers.ts'
import { callbackUri, endpoint, exchange, introspect, refresh, startDevice } from './support/endpoints.ts'
import { expectRefusal, expectTokens, refreshed } from './support/expect.ts'
import { authorizationCode, code, device } from './support/flows.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { type Answer, basic, postForm, postJson, rawBasic } from './support/wire.ts'

const broker = await sharedBroker()

const form = { grant_type: 'authorization_code', code: 'x', redirect_uri: callbackUri }
const token = (application = 'demo') => endpoint(broker, application, 'token')

function expectBasicChallenge(answer: Answer): void {
  expectRefusal(answer, 401, 'invalid_client')
  assert.match(answer.headers['www-authenticate'] ?? '', /^Basic\b/)
}

test('A1 a wrong Basic is 401 with a challenge of its scheme, at every endpoint', async () => {
  for (const path of ['token', 'token/code', 'token/refresh', 'revoke', 'introspect', 'device_authorization']) {
    const fields = { ...form, token: 'x', refresh_token: 'x' }
    const grant = path === 'token/refresh' ? { grant_type: 'refresh_token' } : {}
    const answer = await postForm(endpoint(broker, 'demo', path), { ...fields, ...grant }, basic('basic', 'wrong'))
    expectBasicChallenge(answer)
  }
})

test('A1 a header that is no Basic credential at all is 401 or a 400, never a 5xx', async () => {
  const odd = ['Basic', 'Basic ', 'Basic !!!', 'Basic Og==', `Basic ${btoa('basic')}`, 'Bearer x', 'Digest a="b"', 'x']
  for (const authorization of odd) {
    const answer = await postForm(token(), form, { authorization })
    assert.ok([400, 401].includes(answer.status), `${authorization}: ${answer.status} ${answer.text}`)
  }
})

test('A1 a client of another method is refused even with its right secret in Basic', async () => {
  expectBasicChallenge(await postForm(token(), form, basic('web', 'web-secret')))
})

test('A2 a wrong secret in the body is 401', async () => {
  for (const secret of ['wrong', 'web-secret ', 'WEB-SECRET', '', 'é'.repeat(300)]) {
    const answer = await postForm(token(), { ...form, client_id: 'web', client_secret: secret })
    expectRefusal(answer, 401, 'invalid_client')
  }
})

test('A2 a client of another method is refused even with its right secret in the body', async () => {
  const fields = { ...form, client_id: 'basic', client_secret: 'basic-secret' }
  expectRefusal(await postForm(token(), fields), 401, 'invalid_client')
  expectRefusal(await postJson(token(), fields), 401, 'invalid_client')
})

test('A3 Basic and a secret in the body at once are invalid_request, whichever of them is right', async () => {
  for (const [clientId, secret] of [
    ['web', 'web-secret'],
    ['basic', 'basic-secret'],
  ] as const) {
    const fields = { ...form, client_id: clientId, client_secret: secret }
    expectRefusal(await postForm(token(), fields, basic(clientId, secret)), 400, 'invalid_request')
  }
})

test('A3 Basic with the same client_id in the body is one method; with another client_id it is refused', async () => {
  const issued = await authorizationCode(broker, basicWeb)
  const other = await exchange(broker, basicWeb, issued, { client_id: 'web' })
  assert.ok([400, 401].includes(other.status), other.text)
  expectTokens(await exchange(broker, basicWeb, issued, { client_id: 'basic' }))
})

test('A4 a confidential client that shows no secret, and a caller that names no client, are 401', async () => {
  expectRefusal(await postForm(token(), { ...form, client_id: 'web' }), 401, 'invalid_client')
  expectRefusal(await postForm(token(), { ...form, client_id: 'basic' }), 401, 'invalid_client')
  expectRefusal(await postForm(token(), form), 401, 'invalid_client')
  expectRefusal(await postForm(token(), { ...form, client_id: '' }), 401, 'invalid_client')
})

test('A5 a public client that shows a secret is 401, in the body or in Basic', async () => {
  const { refreshToken } = await device(broker)
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
  const inBody = { ...fields, client_id: 'cli', client_secret: 'anything' }
  expectRefusal(await postForm(token(), inBody), 401, 'invalid_client')
  expectBasicChallenge(await postForm(token(), fields, basic('cli', 'anything')))
  await refreshed(broker, cli, refreshToken)
})

test('A6 Basic with an empty password is a public client naming itself', async () => {
  const { refreshToken } = await device(broker)
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
  const second = expectTokens(await postForm(token(), fields, basic('cli', '')))
  const named = { ...fields, refresh_token: second.refreshToken, client_id: 'cli' }
  expectTokens(await postForm(token(), named, rawBasic('cli', '')))
})

test('A6 Basic with an empty password is not enough for a confidential client', async () => {
  for (const clientId of ['basic', 'web', 'nobody', '']) {
    expectBasicChallenge(await postForm(token(), form, basic(clientId, '')))
  }
})

test('A7 an unknown client and a wrong secret look alike, in Basic and in the body', async () => {
  const pairs = [
    [await postForm(token(), form, basic('nobody', 'wrong')), await postForm(token(), form, basic('basic', 'wrong'))],
    [
      await postForm(token(), { ...form, client_id: 'nobody', client_secret: 'wrong' }),
      await postForm(token(), { ...form, client_id: 'web', client_secret: 'wrong' }),
    ],
    [await postForm(token(), { ...form, client_id: 'nobody' }), await postForm(token(), { ...form, client_id: 'web' })],
  ] as const
  for (const [unknown, wrong] of pairs) {
    expectRefusal(unknown, 401, 'invalid_client')
    assert.equal(unknown.text, wrong.text)
    assert.deepEqual(comparable(unknown), comparable(wrong))
  }
})

test('A16 a client on another application’s path is 401', async () => {
  const strangers: Caller[] = [web, basicWeb, { ...spa }, api, { ...cli, clientId: 'job' }]
  for (const stranger of strangers) {
    const away = { ...stranger, application: 'auth0like' }
    expectRefusal(await refresh(broker, away, 'x'), 401, 'invalid_client')
    expectRefusal(await startDevice(broker, away), 401, 'invalid_client')
    expectRefusal(await introspect(broker, 'x', {}, away), 401, 'invalid_client')
  }
})

test('A16 an application that does not exist is a 4xx everywhere', async () => {
  for (const path of ['token', 'device_authorization', 'revoke', 'introspect']) {
    const answer = await postForm(endpoint(broker, 'nowhere', path), { ...form, client_id: 'cli', token: 'x' })
    assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status} ${answer.text}`)
  }
})

test('A16 the two clients named cli are two clients', async () => {
  const [here, there] = [await device(broker, cli), await device(broker, auth0Cli)]
  expectRefusal(await refresh(broker, auth0Cli, here.refreshToken), 403, 'invalid_grant')
  expectRefusal(await refresh(broker, cli, there.refreshToken), 400, 'invalid_grant')
  await refreshed(broker, cli, here.refreshToken)
  await refreshed(broker, auth0Cli, there.refreshToken)
})

test('A2 after any number of wrong secrets the right one works', async () => {
  const session = await code(broker, web)
  for (let turn = 0; turn < 20; turn += 1) {
    expectRefusal(
      await refresh(broker, { ...web, secret: `wrong-${turn}` }, session.refreshToken),
      401,
      'invalid_client',
    )
  }
  await refreshed(broker, web, session.refreshToken)
})

/** The headers that two answers must share to be indistinguishable. */
function comparable({ status, headers }: Answer): unknown {
  const own = /^date$|request-?id|trace/
  return [status, Object.entries(headers).filter(([name]) => !own.test(name))]
}
