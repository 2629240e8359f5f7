/**
 * The local tenant: to an unmodified client it is a provider as Auth0 documents its own.
 *
 * W numbers are those of docs/providers.md.
 */

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, mock, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { type IdentityProvider, startIdentityProvider } from '../../local/identity-provider.ts'
import { deviceGrant } from '../flows/support/endpoints.ts'
import { claimsOf } from '../flows/support/expect.ts'
import { Person } from '../flows/support/person.ts'
import { connectDevice } from '../flows/support/tenant.ts'
import { type Answer, bearer, get, postForm } from '../flows/support/wire.ts'
import { directory } from './support/directory.ts'

/** The package warns of each thing once, at its first use. */
const printed: unknown[] = []
for (const name of ['warn', 'info'] as const) mock.method(console, name, (...words: unknown[]) => printed.push(words))

const clientId = 'token-broker-wiremock'
const registered = { clientId, application: 'wiremock', at: 'tenant', auth: 'none', secret: '' } as const
const other = { ...registered, clientId: 'other', application: 'other' } as const
const audience = 'https://api.wiremock.example'
const scope = 'openid profile email offline_access'

const faults: string[] = []
let provider: IdentityProvider
let issuer: string
let configuration: client.Configuration
before(async () => {
  const log = (line: string) => void faults.push(line)
  provider = await startIdentityProvider({ port: 0, clients: [registered, other], log })
  issuer = `${provider.url}/tenant/`
  configuration = await discover(issuer)
})
afterEach(() => mock.timers.reset())
after(async () => {
  await provider.stop()
  assert.deepEqual([faults, printed], [[], []], 'nothing has failed in there, and nobody was warned')
})

function discover(at: string): Promise<client.Configuration> {
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
  return client.discovery(new URL(at), clientId, undefined, client.None(), { execute })
}

type Values = Readonly<Record<string, string>>

const start = (more: Values = {}) => client.initiateDeviceAuthorization(configuration, { scope, audience, ...more })

function ask(path: string, values: Values): Promise<Answer> {
  return postForm(`${issuer}${path}`, { client_id: clientId, ...values })
}

const poll = (code: string, more: Values = {}) =>
  ask('oauth/token', { grant_type: deviceGrant, device_code: code, ...more })

const refresh = (token: unknown, more: Values = {}) =>
  ask('oauth/token', { grant_type: 'refresh_token', refresh_token: String(token), ...more })

const said = ({ status, body }: Answer) => [status, body.error]

async function connected(person = new Person()): Promise<Answer['body']> {
  const started = await start()
  await connectDevice(started.verification_uri_complete!, { person })
  const { status, body, text } = await poll(started.device_code)
  assert.equal(status, 200, text)
  return body
}

describe('metadata', () => {
  test('W2 the issuer ends in a slash, and the endpoints are where Auth0 has them', async () => {
    const { body } = await get(`${issuer}.well-known/openid-configuration`)
    const at = (path: string) => `${issuer}${path}`
    assert.equal(body.issuer, issuer)
    assert.deepEqual(
      [body.authorization_endpoint, body.token_endpoint, body.device_authorization_endpoint, body.revocation_endpoint],
      [at('authorize'), at('oauth/token'), at('oauth/device/code'), at('oauth/revoke')],
    )
    assert.deepEqual([body.userinfo_endpoint, body.jwks_uri], [at('userinfo'), at('.well-known/jwks.json')])
  })

  test('W31 it says nothing of public clients, grants or how to authenticate at revocation', async () => {
    const { body } = await get(`${issuer}.well-known/openid-configuration`)
    assert.deepEqual(body.token_endpoint_auth_methods_supported, ['client_secret_basic', 'client_secret_post'])
    assert.ok(!('grant_types_supported' in body) && !('revocation_endpoint_auth_methods_supported' in body))
  })
})

describe('a device', () => {
  test('is given six members, and tokens for the API once the person has confirmed', async () => {
    const started = await start()
    assert.match(started.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    assert.deepEqual([started.expires_in, started.interval], [900, 5])
    const page = await connectDevice(started.verification_uri_complete!, { person: new Person({ name: 'mary.jane' }) })
    assert.match(page.text, /The device is connected/)
    const { body } = await poll(started.device_code)
    assert.deepEqual([body.token_type, body.expires_in, body.scope], ['Bearer', 300, scope])
    const keys = createRemoteJWKSet(new URL(`${issuer}.well-known/jwks.json`))
    const access = await jwtVerify(String(body.access_token), keys, { issuer })
    assert.deepEqual([access.payload.aud, access.payload.sub], [[audience, `${issuer}userinfo`], 'mary.jane'])
    assert.equal(Number(access.payload.exp) - Number(access.payload.iat), 300)
    const identity = await jwtVerify(String(body.id_token), keys, { issuer, audience: clientId })
    assert.deepEqual([identity.payload.sub, identity.payload.email], ['mary.jane', 'mary.jane@example.test'])
  })

  test('is told 403 while it waits, 429 when it asks too often, and goes on all the same', async () => {
    const { device_code: code, verification_uri_complete: uri = '' } = await start()
    mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const pending = await poll(code)
    assert.deepEqual(said(pending), [403, 'authorization_pending'])
    assert.equal(pending.body.error_description, 'User has yet to authorize device code.')
    assert.deepEqual(said(await poll(code)), [429, 'slow_down'])
    mock.timers.tick(4_000)
    assert.deepEqual(said(await poll(code)), [429, 'slow_down'])
    mock.timers.tick(5_000)
    assert.deepEqual(said(await poll(code)), [403, 'authorization_pending'])
    await connectDevice(uri)
    mock.timers.tick(5_000)
    assert.equal((await poll(code)).status, 200)
  })

  test('is told that its code has expired once, and afterwards that there is none', async () => {
    const { device_code: code, verification_uri_complete: uri = '' } = await start()
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 901_000 })
    assert.deepEqual(said(await poll(code)), [403, 'expired_token'])
    assert.deepEqual(said(await poll(code)), [403, 'invalid_grant'])
    assert.match((await connectDevice(uri)).text, /has expired/)
  })

  test('is told no once when the person cancels, before the login or at it', async () => {
    const first = await start()
    const page = await connectDevice(first.verification_uri_complete!, { decision: 'abort' })
    assert.match(page.text, /not connected/)
    assert.deepEqual(said(await poll(first.device_code)), [403, 'access_denied'])

    const second = await start()
    const person = new Person()
    const confirming = await person.open(second.verification_uri_complete!)
    const login = await person.submit(confirming, confirming.forms[0]!, {}, 'confirm')
    const end = await person.submit(login, login.forms[0]!, { cancel: 'yes' })
    assert.match(end.text, /not connected/)
    assert.deepEqual(said(await poll(second.device_code)), [403, 'access_denied'])
  })

  test('has a code for its own client, and once', async () => {
    const { device_code: code, verification_uri_complete: uri = '' } = await start()
    await connectDevice(uri)
    assert.deepEqual(said(await poll(code, { client_id: 'other' })), [403, 'invalid_grant'])
    mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const { body } = await poll(code)
    mock.timers.tick(5_000)
    assert.deepEqual(said(await poll(code)), [403, 'invalid_grant'])
    assert.deepEqual(said(await refresh(body.refresh_token)), [403, 'invalid_grant'])
  })

  test('need not ask for an API: its token is for userinfo then', async () => {
    const started = await client.initiateDeviceAuthorization(configuration, { scope: 'openid email' })
    await connectDevice(started.verification_uri_complete!)
    const { body } = await poll(started.device_code)
    assert.ok(!String(body.access_token).includes('.') && !('refresh_token' in body))
    const told = await client.fetchUserInfo(configuration, String(body.access_token), 'ada')
    assert.deepEqual(told, { sub: 'ada', email: 'ada@example.test', email_verified: true })
  })
})

describe('the person', () => {
  test('may type the code, in small letters and without the dash', async () => {
    const started = await start()
    const userCode = started.user_code.toLowerCase().replace('-', '')
    const page = await connectDevice(started.verification_uri, { userCode })
    assert.match(page.text, /The device is connected/)
  })

  test('is shown code, client, scopes and API before anything happens', async () => {
    const started = await start()
    const { text, html } = await new Person().open(started.verification_uri_complete!)
    for (const shown of [started.user_code, clientId, scope, audience]) assert.ok(text.includes(shown), shown)
    assert.doesNotMatch(html, /<script/)
    assert.deepEqual(said(await poll(started.device_code)), [403, 'authorization_pending'])
  })

  test('is told that a code is not known, typed or brought along, as text and nothing else', async () => {
    for (const connecting of [{}, { userCode: '"><script>' }]) {
      const uri = 'userCode' in connecting ? `${issuer}activate` : `${issuer}activate?user_code=%22%3E%3Cscript%3E`
      const page = await connectDevice(uri, connecting)
      assert.equal(page.status, 400)
      assert.match(page.html, /role="alert"[^>]*>This code is not known/)
      assert.match(page.html, /<label for="user_code">/)
      assert.doesNotMatch(page.html, /<script/)
    }
  })

  test('is asked by the tenant’s own page: a form from elsewhere does nothing', async () => {
    const started = await start()
    const answer = await ask('activate', { user_code: started.user_code, confirm: 'confirm', xsrf: 'x' })
    assert.equal(answer.status, 400)
    const person = new Person()
    const page = await person.open(started.verification_uri_complete!)
    const forged = await person.submit(page, page.forms[0]!, { xsrf: 'x' }, 'confirm')
    assert.equal(forged.status, 400)
    assert.deepEqual(said(await poll(started.device_code)), [403, 'authorization_pending'])
  })
})

describe('a refresh token', () => {
  test('W16 rotates, and a used one kills its sign-in and no other', async () => {
    const person = new Person()
    const [first, second] = [await connected(person), await connected(person)]
    const next = await refresh(first.refresh_token)
    assert.notEqual(next.body.refresh_token, first.refresh_token)
    assert.deepEqual(claimsOf(String(next.body.access_token)).aud, [audience, `${issuer}userinfo`])
    const reused = await refresh(first.refresh_token)
    assert.deepEqual(said(reused), [403, 'invalid_grant'])
    assert.equal(reused.body.error_description, 'Unknown or invalid refresh token.')
    assert.deepEqual(said(await refresh(next.body.refresh_token)), [403, 'invalid_grant'])
    assert.equal((await refresh(second.refresh_token)).status, 200)
  })

  test('that ten show at once is taken from one of them', async () => {
    const { refresh_token: token } = await connected()
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(token)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array.from({ length: 9 }, () => 403)])
  })

  test('narrows its access token when asked, and is its own client’s', async () => {
    const { refresh_token: token } = await connected()
    assert.deepEqual(said(await refresh(token, { client_id: 'other' })), [403, 'invalid_grant'])
    const { body } = await refresh(token, { scope: 'openid' })
    assert.equal(body.scope, 'openid')
    assert.equal((await refresh(body.refresh_token)).body.scope, scope)
  })

  test('is revoked with its sign-in, and an unknown one is nothing to speak of', async () => {
    const first = await connected()
    const { body } = await refresh(first.refresh_token)
    for (const token of [body.refresh_token, body.refresh_token, 'unknown']) {
      const answer = await ask('oauth/revoke', { token: String(token) })
      assert.deepEqual([answer.status, answer.text], [200, ''])
    }
    assert.deepEqual(said(await refresh(body.refresh_token)), [403, 'invalid_grant'])
    const { status } = await get(`${issuer}userinfo`, bearer(String(body.access_token)))
    assert.equal(status, 200, 'an access token is a JWT, and good until it expires')
  })
})

describe('userinfo', () => {
  test('takes the access token of an API, and releases what its scopes have', async () => {
    const { access_token: token } = await connected()
    const told = await client.fetchUserInfo(configuration, String(token), 'ada')
    const name = { name: 'Ada', preferred_username: 'ada' }
    assert.deepEqual(told, { sub: 'ada', ...name, email: 'ada@example.test', email_verified: true })
  })

  test('takes no ID token and none that has been tampered with', async () => {
    const { access_token: token, id_token: idToken } = await connected()
    for (const wrong of [String(idToken), `${String(token).slice(0, -8)}AAAAAAAA`]) {
      const { status, headers } = await get(`${issuer}userinfo`, bearer(wrong))
      assert.deepEqual([status, headers['www-authenticate']], [401, 'Bearer error="invalid_token"'])
    }
  })
})

describe('a browser', () => {
  const redirectUri = 'http://127.0.0.1:9999/wiremock/oauth/callback'
  const verifier = client.randomPKCECodeVerifier()

  async function authorize(person: Person, more: Values = {}): Promise<URL> {
    const url = client.buildAuthorizationUrl(configuration, {
      ...{ redirect_uri: redirectUri, scope, audience, nonce: 'once', code_challenge_method: 'S256' },
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      ...more,
    })
    const page = await person.open(url)
    const [login] = page.forms
    return login === undefined
      ? page.url
      : (await person.submit(page, login, { login: person.name, password: 'x' })).url
  }

  test('signs in and comes back with a code for the API, offline without a question', async () => {
    const person = new Person()
    for (const time of ['first', 'again']) {
      const checks = { pkceCodeVerifier: verifier, expectedNonce: 'once' }
      const tokens = await client.authorizationCodeGrant(configuration, await authorize(person), checks)
      assert.deepEqual(claimsOf(tokens.access_token).aud, [audience, `${issuer}userinfo`], time)
      assert.equal(tokens.claims()?.email, 'ada@example.test')
      assert.equal((await refresh(tokens.refresh_token)).status, 200)
    }
  })

  test('is sent back with a no for an audience that is no URI', async () => {
    assert.equal((await authorize(new Person(), { audience: 'nowhere' })).searchParams.get('error'), 'invalid_target')
  })

  test('finds the clients of the provider next door unknown here, and the other way round', async () => {
    const page = await new Person().open(`${provider.url}/auth?client_id=${clientId}&response_type=code`)
    assert.equal(page.status, 400)
    assert.match(page.text, /Sign-in did not work/)
  })

  test('meets a page of the tenant where there is nothing', async () => {
    assert.equal((await get(`${issuer}nowhere`)).status, 404)
    assert.equal((await get(issuer)).status, 404)
  })
})

test('with a data directory, its keys and refresh tokens outlive a restart', async (t) => {
  const options = { clients: [registered], dataDir: await directory(t), log: () => {} }
  const first = await startIdentityProvider({ port: 0, ...options })
  const at = `${first.url}/tenant/`
  const asked = await postForm(`${at}oauth/device/code`, { client_id: clientId, scope, audience })
  await connectDevice(String(asked.body.verification_uri_complete))
  const deviceCode = String(asked.body.device_code)
  const fields = { client_id: clientId, grant_type: deviceGrant, device_code: deviceCode }
  const { body } = await postForm(`${at}oauth/token`, fields)
  await first.stop()
  const second = await startIdentityProvider({ port: Number(new URL(first.url).port), ...options })
  t.after(() => second.stop())
  await jwtVerify(String(body.access_token), createRemoteJWKSet(new URL(`${at}.well-known/jwks.json`)))
  const again = { client_id: clientId, grant_type: 'refresh_token', refresh_token: String(body.refresh_token) }
  assert.equal((await postForm(`${at}oauth/token`, again)).status, 200)
})

test('access tokens live as long as is set', async (t) => {
  const set = await startIdentityProvider({
    port: 0,
    clients: [registered],
    tenantAccessTokenSeconds: 7,
    log: () => {},
  })
  t.after(() => set.stop())
  const at = `${set.url}/tenant/`
  const asked = await postForm(`${at}oauth/device/code`, { client_id: clientId, scope, audience })
  await connectDevice(String(asked.body.verification_uri_complete))
  const fields = { client_id: clientId, grant_type: deviceGrant, device_code: String(asked.body.device_code) }
  assert.equal((await postForm(`${at}oauth/token`, fields)).body.expires_in, 7)
})
