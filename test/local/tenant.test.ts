/**
 * The local tenant answers an unmodified client as Auth0 documents it. W numbers are those of docs/cases.md.
 */

import assert from 'node:assert/strict'
import { after, afterEach, before, mock, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { type IdentityProvider, startIdentityProvider } from '../../local/identity-provider.ts'
import { deviceGrant } from '../flows/support/endpoints.ts'
import { claimsOf } from '../flows/support/expect.ts'
import { Person } from '../flows/support/person.ts'
import { connectDevice } from '../flows/support/tenant.ts'
import { type Answer, get, postForm } from '../flows/support/wire.ts'
import { directory } from './support/directory.ts'

/** The package warns of each thing once, at its first use. */
const printed: unknown[] = []
for (const name of ['warn', 'info'] as const) mock.method(console, name, (...words: unknown[]) => printed.push(words))

const clientId = 'token-broker-wiremock'
const registered = { clientId, application: 'wiremock', at: 'tenant', auth: 'none', secret: '' } as const
const audience = 'https://api.wiremock.example'
const scope = 'openid profile email offline_access'

const faults: string[] = []
let provider: IdentityProvider
let issuer: string
let configuration: client.Configuration
before(async () => {
  const log = (line: string) => void faults.push(line)
  provider = await startIdentityProvider({ port: 0, clients: [registered], log })
  issuer = `${provider.url}/tenant/`
  configuration = await discover(issuer)
})
afterEach(() => mock.timers.reset())
after(async () => {
  await provider.stop()
  assert.deepEqual([faults, printed], [[], []], 'the package has neither failed nor warned')
})

function discover(at: string): Promise<client.Configuration> {
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
  return client.discovery(new URL(at), clientId, undefined, client.None(), { execute })
}

type Values = Readonly<Record<string, string>>

const start = () => client.initiateDeviceAuthorization(configuration, { scope, audience })

function ask(path: string, values: Values): Promise<Answer> {
  return postForm(`${issuer}${path}`, { client_id: clientId, ...values })
}

const poll = (code: string) => ask('oauth/token', { grant_type: deviceGrant, device_code: code })

const refresh = (token: unknown) => ask('oauth/token', { grant_type: 'refresh_token', refresh_token: String(token) })

const said = ({ status, body }: Answer) => [status, body.error]

async function connected(person = new Person()): Promise<Answer['body']> {
  const started = await start()
  await connectDevice(started.verification_uri_complete!, { person })
  const { status, body, text } = await poll(started.device_code)
  assert.equal(status, 200, text)
  return body
}

test('W2 the issuer ends in a slash, and the endpoints have Auth0’s paths', async () => {
  const { body } = await get(`${issuer}.well-known/openid-configuration`)
  const at = (path: string) => `${issuer}${path}`
  assert.equal(body.issuer, issuer)
  assert.deepEqual(
    [body.authorization_endpoint, body.token_endpoint, body.device_authorization_endpoint, body.revocation_endpoint],
    [at('authorize'), at('oauth/token'), at('oauth/device/code'), at('oauth/revoke')],
  )
  assert.deepEqual([body.userinfo_endpoint, body.jwks_uri], [at('userinfo'), at('.well-known/jwks.json')])
})

test('W31 the metadata names neither public clients nor grants nor revocation methods', async () => {
  const { body } = await get(`${issuer}.well-known/openid-configuration`)
  assert.deepEqual(body.token_endpoint_auth_methods_supported, ['client_secret_basic', 'client_secret_post'])
  assert.ok(!('grant_types_supported' in body) && !('revocation_endpoint_auth_methods_supported' in body))
})

test('a device gets six members, and tokens for the API once the person has confirmed', async () => {
  const started = await start()
  assert.match(started.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  assert.deepEqual([started.expires_in, started.interval], [900, 5])
  await connectDevice(started.verification_uri_complete!, { person: new Person({ name: 'mary.jane' }) })
  const { body } = await poll(started.device_code)
  assert.deepEqual([body.token_type, body.expires_in, body.scope], ['Bearer', 300, scope])
  const keys = createRemoteJWKSet(new URL(`${issuer}.well-known/jwks.json`))
  const access = await jwtVerify(String(body.access_token), keys, { issuer })
  assert.deepEqual([access.payload.aud, access.payload.sub], [[audience, `${issuer}userinfo`], 'mary.jane'])
  const identity = await jwtVerify(String(body.id_token), keys, { issuer, audience: clientId })
  assert.deepEqual([identity.payload.sub, identity.payload.email], ['mary.jane', 'mary.jane@example.test'])
  const told = await client.fetchUserInfo(configuration, String(body.access_token), 'mary.jane')
  assert.equal(told.preferred_username, 'mary.jane')
})

test('a person may type the code, in small letters and without the dash', async () => {
  const started = await start()
  const userCode = started.user_code.toLowerCase().replace('-', '')
  await connectDevice(started.verification_uri, { userCode })
  assert.equal((await poll(started.device_code)).status, 200)
})

test('a poll is told 403 while the person is awaited and 429 when it comes too early, and neither ends the flow', async () => {
  const { device_code: code, verification_uri_complete: uri = '' } = await start()
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  assert.deepEqual(said(await poll(code)), [403, 'authorization_pending'])
  mock.timers.tick(4_000)
  assert.deepEqual(said(await poll(code)), [429, 'slow_down'])
  mock.timers.tick(5_000)
  assert.deepEqual(said(await poll(code)), [403, 'authorization_pending'])
  await connectDevice(uri)
  mock.timers.tick(5_000)
  assert.equal((await poll(code)).status, 200)
})

test('a poll is told that the code has expired, or that the person has cancelled, with 403', async () => {
  const late = await start()
  const denied = await start()
  await connectDevice(denied.verification_uri_complete!, { decision: 'abort' })
  assert.deepEqual(said(await poll(denied.device_code)), [403, 'access_denied'])
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 901_000 })
  assert.deepEqual(said(await poll(late.device_code)), [403, 'expired_token'])
})

test('W16 refresh tokens rotate, and a used one ends its sign-in and no other', async () => {
  const person = new Person()
  const [first, second] = [await connected(person), await connected(person)]
  const next = await refresh(first.refresh_token)
  assert.deepEqual(claimsOf(String(next.body.access_token)).aud, [audience, `${issuer}userinfo`])
  assert.deepEqual(said(await refresh(first.refresh_token)), [403, 'invalid_grant'])
  assert.deepEqual(said(await refresh(next.body.refresh_token)), [403, 'invalid_grant'])
  assert.equal((await refresh(second.refresh_token)).status, 200)
})

test('a browser signs in and comes back with a code for the API, offline access included', async () => {
  const redirectUri = 'http://127.0.0.1:9999/wiremock/oauth/callback'
  const verifier = client.randomPKCECodeVerifier()
  const url = client.buildAuthorizationUrl(configuration, {
    ...{ redirect_uri: redirectUri, scope, audience, nonce: 'once', code_challenge_method: 'S256' },
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
  })
  const person = new Person()
  const page = await person.open(url)
  const back = await person.submit(page, page.forms[0]!, { login: person.name, password: 'x' })
  const checks = { pkceCodeVerifier: verifier, expectedNonce: 'once' }
  const tokens = await client.authorizationCodeGrant(configuration, back.url, checks)
  assert.deepEqual(claimsOf(tokens.access_token).aud, [audience, `${issuer}userinfo`])
  assert.equal((await refresh(tokens.refresh_token)).status, 200)
})

test('a data directory keeps keys and refresh tokens across a restart', async (t) => {
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

test('tenantAccessTokenSeconds sets the lifetime of access tokens', async (t) => {
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
