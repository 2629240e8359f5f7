/**
 * P1 to P14 of the cases: a client written after a documentation page that knows one path per application,
 * `client_secret_post`, form or JSON, userinfo, and no OpenID Connect.
 *
 * Owns the server's side of that page. The client's side is in test/providers/oauth2.test.ts.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { auth0Cli, type Caller, userdocs, web } from './support/callers.ts'
import {
  askUserinfo,
  authorizeUrl,
  call,
  callbackUri,
  endpoint,
  exchange,
  issuer,
  userinfo,
} from './support/endpoints.ts'
import { claimsOf, expectChallenge, expectErrorPage, expectRefusal, expectTokens, string } from './support/expect.ts'
import { authorizationCode, authorize, device } from './support/flows.ts'
import { Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'
import { basic, bearer, get, send } from './support/wire.ts'

const secondPost: Caller = { ...userdocs, clientId: 'second', secret: 'second-secret' }
const viaBasic: Caller = { ...userdocs, clientId: 'via-basic', auth: 'client_secret_basic', secret: 'basic-secret' }
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let broker: BrokerHere
before(async () => {
  const registry = registryFile(({ client, addClient }) => {
    const row = client('userdocs', 'userdocs')
    addClient('userdocs', { ...row, clientId: secondPost.clientId, secrets: [secondPost.secret] })
    addClient('userdocs', { ...row, clientId: viaBasic.clientId, auth: viaBasic.auth, secrets: [viaBasic.secret] })
  })
  broker = await startBrokerHere({ registry })
})
after(() => broker.stop())

const profile = { scope: 'profile' }

function codeFor(caller: Caller = userdocs, name = 'userdocs'): Promise<string> {
  return authorizationCode(broker, caller, profile, new Person({ name }))
}

function tokenUrl(application = 'userdocs'): string {
  return endpoint(broker, application, 'token')
}

/** The page's own token request, as its curl command sends it. */
function pagesRequest(code: string, host?: string) {
  const body = [
    'client_id=userdocs',
    'client_secret=userdocs-secret',
    `code=${code}`,
    'grant_type=authorization_code',
    `redirect_uri=${callbackUri}`,
  ].join('&')
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
  return send(tokenUrl(), { method: 'POST', body, headers: { ...headers, ...(host !== undefined && { host }) } })
}

async function tokensFor(name = 'userdocs') {
  return expectTokens(await exchange(broker, userdocs, await codeFor(userdocs, name)))
}

test('P3 P9 P12 the two requests of the page, sent literally, are answered with the members that it shows', async () => {
  const answer = await pagesRequest(await codeFor())
  assert.equal(answer.status, 200, answer.text)
  const { access_token: token, ...rest } = answer.body
  assert.deepEqual(rest, { expires_in: 3600, scope: 'profile', token_type: 'Bearer' })
  const url = endpoint(broker, 'userdocs', 'userinfo')
  const told = await get(url, { accept: 'application/json', authorization: `Bearer ${token}` })
  assert.equal(told.status, 200, told.text)
  const id = string(told.body, 'id')
  assert.match(id, uuid)
  assert.deepEqual(told.body, { id, name: 'userdocs', sub: id, username: 'userdocs' })
})

test('P1 code, client and token of one application are worthless in another', async () => {
  const code = await codeFor()
  const elsewhere = await exchange(broker, web, code)
  expectRefusal(elsewhere, 400, 'invalid_grant')
  expectRefusal(await call(broker, { ...userdocs, application: 'demo' }, 'token', {}), 401, 'invalid_client')
  const { accessToken } = expectTokens(await exchange(broker, userdocs, code))
  expectChallenge(await userinfo(broker, 'demo', accessToken), 401, 'invalid_token')
  const foreign = await device(broker, auth0Cli)
  expectChallenge(await userinfo(broker, 'userdocs', foreign.accessToken), 401, 'invalid_token')
})

test('P2 by an IP address or by a name, the host a caller used changes nothing', async () => {
  const answer = await pagesRequest(await codeFor(), 'sign-in.example.test:8443')
  assert.equal(claimsOf(expectTokens(answer).accessToken).iss, issuer(broker, 'userdocs'))
  const { port } = new URL(broker.url)
  const named = await exchange({ url: `http://localhost:${port}` }, userdocs, await codeFor())
  assert.equal(claimsOf(expectTokens(named).accessToken).iss, issuer(broker, 'userdocs'))
})

test('P3 the same members as JSON do the same', async () => {
  const body = JSON.stringify({
    client_id: 'userdocs',
    client_secret: 'userdocs-secret',
    code: await codeFor(),
    grant_type: 'authorization_code',
    redirect_uri: callbackUri,
  })
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  const { body: told } = expectTokens(await send(tokenUrl(), { method: 'POST', body, headers }))
  assert.deepEqual([told.expires_in, told.scope], [3600, 'profile'])
})

test('P4 a client that is registered for one method is invalid_client with another, and its code stays good', async () => {
  const code = await codeFor()
  const fields = { grant_type: 'authorization_code', code, redirect_uri: callbackUri }
  const form = { method: 'POST', body: new URLSearchParams(fields).toString() }
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const tried = await send(tokenUrl(), { ...form, headers: { ...type, ...basic('userdocs', 'userdocs-secret') } })
  expectRefusal(tried, 401, 'invalid_client')
  expectRefusal(await exchange(broker, { ...userdocs, auth: 'none' }, code), 401, 'invalid_client')
  expectTokens(await exchange(broker, userdocs, code))

  const otherCode = await codeFor(viaBasic)
  const wrong: Caller = { ...viaBasic, auth: 'client_secret_post' }
  expectRefusal(await exchange(broker, wrong, otherCode), 401, 'invalid_client')
  expectTokens(await exchange(broker, viaBasic, otherCode))
})

test('P5 a grant that the client is not registered for is unauthorized_client', async () => {
  const answer = await call(broker, userdocs, 'token', { grant_type: 'refresh_token', refresh_token: 'any' })
  expectRefusal(answer, 400, 'unauthorized_client')
  const start = await call(broker, userdocs, 'device_authorization', profile)
  expectRefusal(start, 400, 'unauthorized_client')
})

test('P6 redirect_uri is required at the token endpoint and equal to the one before', async () => {
  const code = await codeFor()
  expectRefusal(await exchange(broker, userdocs, code, { redirect_uri: undefined }), 400, 'invalid_request')
  for (const near of [
    `${callbackUri}/`,
    `${callbackUri}?x=1`,
    'http://127.0.0.1:9998/cb',
    'http://localhost:9999/cb',
  ]) {
    expectRefusal(await exchange(broker, userdocs, code, { redirect_uri: near }), 400, 'invalid_grant')
  }
  expectTokens(await exchange(broker, userdocs, code))
})

test('P7 a code is good once, and for the client that it was given to', async () => {
  const code = await codeFor()
  expectRefusal(await exchange(broker, secondPost, code), 400, 'invalid_grant')
  const { accessToken } = expectTokens(await exchange(broker, userdocs, code))
  assert.equal((await userinfo(broker, 'userdocs', accessToken)).status, 200)
  expectRefusal(await exchange(broker, userdocs, code), 400, 'invalid_grant')
  expectChallenge(await userinfo(broker, 'userdocs', accessToken), 401, 'invalid_token')
})

test('P8 the code comes in the query, with state unchanged when there was one; another response type does not', async () => {
  const state = 'a state+/=&é "%'
  const landed = await authorize(broker, userdocs, { ...profile, state })
  assert.equal(landed.origin + landed.pathname, callbackUri)
  assert.equal(landed.searchParams.get('state'), state)
  assert.equal(landed.hash, '')
  const without = await authorize(broker, userdocs, profile)
  assert.deepEqual([...without.searchParams.keys()].sort(), ['code', 'iss'])
  const other = await authorize(broker, userdocs, { ...profile, state, response_type: 'token' })
  assert.equal(other.searchParams.get('error'), 'unsupported_response_type')
  assert.equal(other.searchParams.get('state'), state)
})

test('P8 a person who cancels at the provider comes back to the client with access_denied', async () => {
  const person = new Person()
  const login = await person.open(authorizeUrl(broker, userdocs, { ...profile, state: 'st' }))
  const [form] = login.forms
  assert.ok(form)
  const { url } = await person.submit(login, form, {}, 'yes')
  assert.equal(url.origin + url.pathname, callbackUri)
  assert.deepEqual([url.searchParams.get('error'), url.searchParams.get('state')], ['access_denied', 'st'])
})

test('P9 there is no refresh token and no ID token, and neither can be had by asking', async () => {
  const { refreshToken, idToken, body } = await tokensFor()
  assert.deepEqual([refreshToken, idToken], ['', ''])
  assert.ok(Number.isInteger(body.expires_in))
  for (const scope of ['openid profile', 'profile offline_access']) {
    const landed = await authorize(broker, userdocs, { scope })
    assert.equal(landed.searchParams.get('error'), 'invalid_scope')
  }
})

test('P10 scope profile alone, without openid, gives a token and userinfo', async () => {
  const { accessToken, body } = await tokensFor()
  assert.equal(body.scope, 'profile')
  assert.equal(claimsOf(accessToken).scope, 'profile')
  assert.equal((await userinfo(broker, 'userdocs', accessToken)).status, 200)
})

test('P11 the access token is a JWT signed with RS256, which the published key verifies', async () => {
  const { accessToken } = await tokensFor()
  assert.equal(decodeProtectedHeader(accessToken).alg, 'RS256')
  const keys = createRemoteJWKSet(new URL(`${issuer(broker, 'userdocs')}/.well-known/jwks.json`))
  const { payload } = await jwtVerify(accessToken, keys, {
    issuer: issuer(broker, 'userdocs'),
    audience: 'https://api.example.test',
  })
  assert.equal(Number(payload.exp) - Number(payload.iat), 3600)
})

test('P12 sub is the same at every sign-in, equals id, and differs from person to person', async () => {
  const subs: unknown[] = []
  for (const name of ['ada', 'ada', 'grace']) {
    const { accessToken } = await tokensFor(name)
    const { body } = await userinfo(broker, 'userdocs', accessToken)
    assert.deepEqual([body.id, body.username, claimsOf(accessToken).sub], [body.sub, name, body.sub])
    subs.push(body.sub)
  }
  assert.equal(subs[0], subs[1])
  assert.notEqual(subs[0], subs[2])
})

test('P13 userinfo without a token or with a bad one is 401, and token errors are 400 or 401', async () => {
  const bare = await askUserinfo(broker, 'userdocs', {})
  assert.deepEqual([bare.status, bare.headers['www-authenticate']], [401, 'Bearer'])
  expectChallenge(await askUserinfo(broker, 'userdocs', bearer('nonsense')), 401, 'invalid_token')
  expectRefusal(await exchange(broker, userdocs, 'nonsense'), 400, 'invalid_grant')
  expectRefusal(await exchange(broker, { ...userdocs, secret: 'wrong' }, await codeFor()), 401, 'invalid_client')
  expectRefusal(await exchange(broker, { ...userdocs, clientId: 'nobody' }, 'nonsense'), 401, 'invalid_client')
})

test('P14 a client that has nothing but endpoints typed in by hand gets through', async () => {
  const server = {
    issuer: issuer(broker, 'userdocs'),
    authorization_endpoint: endpoint(broker, 'userdocs', 'authorize'),
    token_endpoint: endpoint(broker, 'userdocs', 'token'),
    userinfo_endpoint: endpoint(broker, 'userdocs', 'userinfo'),
  }
  const secret = oidc.ClientSecretPost('userdocs-secret')
  const client = new oidc.Configuration(server, 'userdocs', undefined, secret)
  oidc.allowInsecureRequests(client)
  const landed = await authorize(broker, userdocs, { ...profile, state: 'st' })
  const tokens = await oidc.authorizationCodeGrant(client, landed, { expectedState: 'st' })
  assert.equal(tokens.expires_in, 3600)
  const told = await oidc.fetchUserInfo(client, tokens.access_token, oidc.skipSubjectCheck)
  assert.equal(told.id, told.sub)
})

test('P14 the provider’s stand-in has no discovery document, and shows strangers an error page', async () => {
  const login = await new Person().open(authorizeUrl(broker, userdocs, profile))
  for (const path of ['.well-known/openid-configuration', '.well-known/oauth-authorization-server', 'oauth/jwks']) {
    assert.equal((await get(new URL(`/userdocs/${path}`, login.url))).status, 404)
  }
  const stranger = new URL(login.url)
  stranger.searchParams.set('redirect_uri', 'https://attacker.example/userdocs/oauth/callback')
  expectErrorPage(await new Person().open(stranger), 400)
})
