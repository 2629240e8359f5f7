/**
 * A6, A8, P12 and R33 of the cases, and what a registration decides: secrets, grants, algorithms and claims.
 *
 * Owns the cases that the local stack's own registry has no client for.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { auth0Cli, basicWeb, type Caller, cli, job, spa, userdocs, web } from './support/callers.ts'
import { deviceGrant, endpoint, exchange, issuer, refresh, userinfo } from './support/endpoints.ts'
import { claimsOf, expectRefusal, expectTokens, headerOf, refreshed } from './support/expect.ts'
import { authorizationCode, code, device } from './support/flows.ts'
import { Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'
import { basic, type Headers, postForm, rawBasic } from './support/wire.ts'

const oddId = 'odd: id%41+é'
const oddSecret = 's:e c%41+ü€'
const colonless = 'odd id%41+é'
const twoSecrets = ['the-first-secret', 'the-second-secret']

let broker: BrokerHere
before(async () => {
  const registry = registryFile(({ addClient, application, client }) => {
    const own = { auth: 'client_secret_basic', grants: [deviceGrant] }
    for (const clientId of [oddId, colonless]) addClient('demo', { ...own, clientId, secrets: [oddSecret] })
    addClient('demo', { ...own, clientId: 'odd-post', auth: 'client_secret_post', secrets: [oddSecret] })
    addClient('demo', { ...own, clientId: 'rotating', secrets: twoSecrets })
    addClient('demo', { ...own, clientId: 'once', auth: 'none' })
    client('demo', 'web').idTokenAlgorithm = 'ES256'
    client('demo', 'job').idTokenOnRefresh = true
    client('demo', 'spa').idTokenOnRefresh = false
    client('demo', 'basic').claimsInIdToken = true
    application('auth0like').accessTokenAlgorithm = 'RS256'
    application('userdocs').userinfo = { scope: 'profile', claims: { profile: ['username'] } }
  })
  broker = await startBrokerHere({ registry })
})
after(() => broker.stop())

function startWith(headers: Headers, fields: Record<string, string> = {}) {
  return postForm(endpoint(broker, 'demo', 'device_authorization'), { scope: 'openid', ...fields }, headers)
}

test('A6 ids and secrets with colon, percent, plus, space and UTF-8 work form-encoded in Basic', async () => {
  for (const clientId of [oddId, colonless]) {
    const answer = await startWith(basic(clientId, oddSecret))
    assert.equal(answer.status, 200, `${clientId}: ${answer.text}`)
    expectRefusal(await startWith(basic(clientId, `${oddSecret}x`)), 401, 'invalid_client')
  }
})

test('A6 the same work raw in Basic, as far as an id without a colon goes', async () => {
  const answer = await startWith(rawBasic(colonless, oddSecret))
  assert.equal(answer.status, 200, answer.text)
  expectRefusal(await startWith(rawBasic(colonless, `${oddSecret}x`)), 401, 'invalid_client')
  expectRefusal(await startWith(rawBasic(colonless, 's:e cA+ü€')), 401, 'invalid_client')
})

test('A6 percent-encoded throughout, with %20 for a space, works as well', async () => {
  const answer = await startWith(rawBasic(encodeURIComponent(oddId), encodeURIComponent(oddSecret)))
  assert.equal(answer.status, 200, answer.text)
})

test('A6 such a secret works in the body', async () => {
  const answer = await startWith({}, { client_id: 'odd-post', client_secret: oddSecret })
  assert.equal(answer.status, 200, answer.text)
})

test('A8 two secrets live at once, and a third does not', async () => {
  for (const secret of twoSecrets) assert.equal((await startWith(basic('rotating', secret))).status, 200)
  for (const secret of ['the-third-secret', twoSecrets.join(''), '']) {
    expectRefusal(await startWith(basic('rotating', secret)), 401, 'invalid_client')
  }
})

test('D14 where the client has no refresh grant, offline_access is dropped and nothing else', async () => {
  const once: Caller = { ...cli, clientId: 'once' }
  const { body, accessToken, refreshToken } = await device(broker, once)
  assert.equal(refreshToken, '')
  assert.equal(body.scope, 'openid profile email')
  assert.equal(claimsOf(accessToken).scope, 'openid profile email')
})

test('M4 an application may have its access tokens signed with RS256', async () => {
  const { accessToken } = await device(broker, auth0Cli)
  const keys = createRemoteJWKSet(new URL(`${issuer(broker, 'auth0like')}/.well-known/jwks.json`))
  const { protectedHeader } = await jwtVerify(accessToken, keys, { issuer: issuer(broker, 'auth0like') })
  assert.deepEqual([protectedHeader.alg, protectedHeader.typ], ['RS256', 'at+jwt'])
})

test('M4 a client may have its ID tokens signed with ES256', async () => {
  const { idToken, accessToken } = await code(broker)
  assert.deepEqual([headerOf(idToken).alg, headerOf(accessToken).alg], ['ES256', 'ES256'])
})

test('R33 an ID token comes with refreshes where the client has the code grant: the same sign-in, and no nonce', async () => {
  const first = await code(broker, web, { nonce: 'n-0' })
  assert.equal(claimsOf(first.idToken).nonce, 'n-0')
  const second = await refreshed(broker, web, first.refreshToken)
  const third = await refreshed(broker, web, second.refreshToken)
  const keys = createRemoteJWKSet(new URL(`${issuer(broker, 'demo')}/.well-known/jwks.json`))
  for (const { idToken } of [second, third]) {
    const { payload } = await jwtVerify(idToken, keys, { issuer: issuer(broker, 'demo'), audience: 'web' })
    const { iss, sub, aud, auth_time, sid } = claimsOf(first.idToken)
    assert.deepEqual({ ...payload, iat: 0, exp: 0 }, { iss, sub, aud, auth_time, sid, iat: 0, exp: 0 })
  }
  const narrowed = expectTokens(await refresh(broker, web, third.refreshToken, { scope: 'email' }))
  assert.equal(narrowed.idToken, '', 'not without openid')
})

test('R33 without the code grant none comes; and each client may be registered otherwise', async () => {
  const onDevice = await device(broker, cli)
  assert.equal((await refreshed(broker, cli, onDevice.refreshToken)).idToken, '')
  const wanted = await device(broker, job)
  const next = await refreshed(broker, job, wanted.refreshToken)
  assert.equal(claimsOf(next.idToken).sub, claimsOf(wanted.idToken).sub)
  const again = expectTokens(await refresh(broker, job, wanted.refreshToken))
  assert.notEqual(again.idToken, '', 'at a retry within the grace, too')
  const unwanted = await code(broker, spa)
  assert.notEqual(unwanted.idToken, '')
  assert.equal((await refreshed(broker, spa, unwanted.refreshToken)).idToken, '')
})

test('M4 claims of a person are in the ID token where the client is registered so, and those alone that its scopes release', async () => {
  assert.equal(claimsOf((await code(broker, web)).idToken).email, undefined)
  const session = await code(broker, basicWeb)
  const { body: known } = await userinfo(broker, 'demo', session.accessToken)
  const next = await refreshed(broker, basicWeb, session.refreshToken)
  for (const { idToken } of [session, next]) {
    const { name, email, email_verified, sub } = claimsOf(idToken)
    assert.deepEqual([name, email, email_verified, sub], [known.name, known.email, known.email_verified, known.sub])
    assert.equal(typeof email, 'string')
  }
  const fewer = claimsOf((await code(broker, basicWeb, { scope: 'openid profile' })).idToken)
  assert.deepEqual([typeof fewer.name, fewer.email], ['string', undefined])
  assert.equal('name' in claimsOf(session.accessToken), false)
})

test('P12 which claims userinfo tells is the application’s to say', async () => {
  const code = await authorizationCode(broker, userdocs, { scope: 'profile' }, new Person({ name: 'ada' }))
  const { accessToken } = expectTokens(await exchange(broker, userdocs, code))
  const { body } = await userinfo(broker, 'userdocs', accessToken)
  assert.deepEqual(Object.keys(body).sort(), ['sub', 'username'])
})
