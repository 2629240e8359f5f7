/**
 * I8 to I14 of the cases: what a bearer of an access token learns about the person, and who is sent away.
 *
 * Owns userinfo (OIDC Core §5.3, RFC 6750); an expired token, which needs a clock, is in refresh-lifetime.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auth0Cli, cli, web } from './support/callers.ts'
import { askUserinfo, endpoint, refresh, revoke, userinfo } from './support/endpoints.ts'
import { claimsOf, expectChallenge, expectTokens, refreshed } from './support/expect.ts'
import { code, device } from './support/flows.ts'
import { Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { type Answer, bearer, get, postForm, postJson, postRaw, send } from './support/wire.ts'

const broker = await sharedBroker()

function expectBareChallenge(answer: Answer): void {
  assert.equal(answer.status, 401, answer.text)
  assert.equal(answer.headers['www-authenticate'], 'Bearer')
}

test('I8 userinfo tells the sub of the tokens and what the scopes release', async () => {
  const { accessToken, idToken } = await device(broker, cli, {}, new Person({ name: 'lovelace' }))
  const answer = await userinfo(broker, 'demo', accessToken)
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.headers['content-type'] ?? '', /^application\/json(;|$)/)
  assert.equal(answer.body.sub, claimsOf(accessToken).sub)
  assert.equal(answer.body.sub, claimsOf(idToken).sub)
  assert.equal(typeof answer.body.email, 'string')
  assert.equal(typeof answer.body.name, 'string')
})

test('I8 claims of a scope that was not granted stay untold', async () => {
  const { accessToken } = await device(broker, cli, { scope: 'openid' })
  const answer = await userinfo(broker, 'demo', accessToken)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual([answer.body.email, answer.body.name], [undefined, undefined])
})

test('I8 a POST with the header, and the scheme in any case, are heard as well', async () => {
  const { accessToken } = await code(broker, web)
  const url = endpoint(broker, 'demo', 'userinfo')
  const posted = await send(url, { method: 'POST', headers: bearer(accessToken) })
  assert.equal(posted.status, 200, posted.text)
  const lower = await get(url, { authorization: `bearer ${accessToken}` })
  assert.equal(lower.status, 200, lower.text)
  assert.deepEqual(posted.body, lower.body)
})

test('I9 without a token the challenge is bare', async () => {
  expectBareChallenge(await askUserinfo(broker, 'demo', {}))
  expectBareChallenge(await send(endpoint(broker, 'demo', 'userinfo'), { method: 'POST' }))
})

test('I10 a token that is revoked, foreign, forged or nonsense is invalid_token', async () => {
  const revoked = await device(broker)
  await revoke(broker, cli, revoked.refreshToken)
  const foreign = await device(broker, auth0Cli)
  const live = await device(broker)
  const [header = '', payload = '', signature = ''] = live.accessToken.split('.')
  const forged = [header, payload, signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))].join('.')
  const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`
  for (const token of [revoked.accessToken, foreign.accessToken, forged, unsigned, 'nonsense', 'a.b.c']) {
    expectChallenge(await userinfo(broker, 'demo', token), 401, 'invalid_token')
  }
})

test('I10 a token of a family that reuse ended is invalid_token', async () => {
  const first = await device(broker)
  const second = await refreshed(broker, cli, first.refreshToken)
  await refresh(broker, cli, first.refreshToken)
  expectChallenge(await userinfo(broker, 'demo', second.accessToken), 401, 'invalid_token')
})

test('I10 a token with characters that no token has is invalid_token', async () => {
  const { accessToken } = await device(broker)
  for (const token of ['a b', '%zz', `${accessToken} x`, `${accessToken},`, 'a=b', '"a"']) {
    expectChallenge(await askUserinfo(broker, 'demo', { authorization: `Bearer ${token}` }), 401, 'invalid_token')
  }
  expectBareChallenge(await askUserinfo(broker, 'demo', { authorization: 'Bearer' }))
  expectBareChallenge(await askUserinfo(broker, 'demo', { authorization: 'Basic YTpi' }))
})

test('I11 a refresh token or an ID token is invalid_token', async () => {
  const { refreshToken, idToken, started } = await device(broker)
  for (const token of [refreshToken, idToken, started.deviceCode]) {
    expectChallenge(await userinfo(broker, 'demo', token), 401, 'invalid_token')
  }
  await refreshed(broker, cli, refreshToken)
})

test('I12 a token in the query string is not looked at', async () => {
  const { accessToken } = await device(broker)
  const url = `${endpoint(broker, 'demo', 'userinfo')}?access_token=${accessToken}`
  expectBareChallenge(await get(url))
  const withHeader = await get(url, bearer(accessToken))
  assert.equal(withHeader.status, 200, withHeader.text)
})

test('I13 a token without the scope is 403 insufficient_scope', async () => {
  const { accessToken } = await device(broker, cli, { scope: 'offline_access' })
  expectChallenge(await userinfo(broker, 'demo', accessToken), 403, 'insufficient_scope')
})

test('I13 a token that a refresh narrowed below the scope is 403 insufficient_scope, its sibling is not', async () => {
  const first = await device(broker)
  const narrow = expectTokens(await refresh(broker, cli, first.refreshToken, { scope: 'offline_access' }))
  expectChallenge(await userinfo(broker, 'demo', narrow.accessToken), 403, 'insufficient_scope')
  assert.equal((await userinfo(broker, 'demo', first.accessToken)).status, 200)
})

test('I8 a token in the body of a POST is heard, in a form and in JSON', async () => {
  const { accessToken } = await device(broker)
  const url = endpoint(broker, 'demo', 'userinfo')
  const told = await userinfo(broker, 'demo', accessToken)
  for (const answer of [
    await postForm(url, { access_token: accessToken }),
    await postJson(url, { access_token: accessToken }),
  ]) {
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(answer.body, told.body)
  }
  expectChallenge(await postForm(url, { access_token: 'nonsense' }), 401, 'invalid_token')
  expectBareChallenge(await postForm(url, { access_token: '' }))
  expectBareChallenge(await postForm(`${url}?access_token=${accessToken}`, { x: 'y' }))
})

test('I14 a token in the header and in the body is 400 invalid_request', async () => {
  const { accessToken } = await device(broker)
  const url = endpoint(broker, 'demo', 'userinfo')
  for (const inHeader of [accessToken, 'nonsense', '']) {
    expectChallenge(await postForm(url, { access_token: accessToken }, bearer(inHeader)), 400, 'invalid_request')
  }
  const twice: [string, string][] = [
    ['access_token', accessToken],
    ['access_token', accessToken],
  ]
  expectChallenge(await postForm(url, twice), 400, 'invalid_request')
})

test('I14 a malformed body is 400 invalid_request with a challenge', async () => {
  const url = endpoint(broker, 'demo', 'userinfo')
  for (const [body, type] of [
    ['{', 'application/json'],
    ['x', 'text/plain'],
    ['access_token=%00', 'application/x-www-form-urlencoded'],
  ] as const) {
    expectChallenge(await postRaw(url, body, { 'content-type': type }), 400, 'invalid_request')
  }
  assert.equal((await get(endpoint(broker, 'nobody', 'userinfo'))).headers['www-authenticate'], undefined)
})
