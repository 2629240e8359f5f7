/**
 * M1 to M3 of the cases: what the metadata says, that it is true, and who may read across origins.
 *
 * Owns the two well-known places and the lists in them (OIDC Discovery §3, RFC 8414 §2).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basicWeb, cli, spa, web } from './support/callers.ts'
import { authorizeUrl, endpoint, issuer, refresh, startDevice } from './support/endpoints.ts'
import { expectTokens, headerOf, refreshed, string } from './support/expect.ts'
import { authorize, code, device, pkce } from './support/flows.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { type Answer, get, postForm, send } from './support/wire.ts'

const broker = await sharedBroker()

const openid = (application: string) => `${issuer(broker, application)}/.well-known/openid-configuration`
const oauth = (application: string) => `${broker.url}/.well-known/oauth-authorization-server/${application}`

async function metadata(application = 'demo'): Promise<Answer['body']> {
  const answer = await get(openid(application))
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.headers['content-type'] ?? '', /^application\/json(;|$)/)
  return answer.body
}

function list(body: Answer['body'], member: string): string[] {
  const value = body[member]
  assert.ok(Array.isArray(value) && value.length > 0, `${member} is a list that is not empty`)
  return value.map(String)
}

test('M1 both well-known places name the same issuer, byte for byte, for each application', async () => {
  for (const application of ['demo', 'auth0like']) {
    const [one, other] = [await get(openid(application)), await get(oauth(application))]
    assert.deepEqual([one.status, other.status], [200, 200])
    assert.equal(one.body.issuer, `${broker.url}/${application}`)
    assert.deepEqual(other.body, one.body)
  }
})

test('M1 the issuer is not taken from a header that the caller controls', async () => {
  const answer = await get(openid('demo'), { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' })
  assert.equal(answer.body.issuer, `${broker.url}/demo`)
})

test('M1 an application that does not exist has no metadata', async () => {
  for (const url of [openid('nowhere'), oauth('nowhere'), `${broker.url}/nowhere/.well-known/jwks.json`]) {
    assert.equal((await get(url)).status, 404)
  }
})

const endpoints: Readonly<Record<string, string>> = {
  authorization_endpoint: '/oauth/authorize',
  token_endpoint: '/oauth/token',
  device_authorization_endpoint: '/oauth/device_authorization',
  revocation_endpoint: '/oauth/revoke',
  introspection_endpoint: '/oauth/introspect',
  userinfo_endpoint: '/oauth/userinfo',
  jwks_uri: '/.well-known/jwks.json',
}

test('M2 every endpoint is listed, lives where it says, and no other is listed', async () => {
  const told = await metadata()
  const listed = Object.keys(told).filter((name) => /_endpoint$|_uri$|_url$/.test(name))
  assert.deepEqual(listed.sort(), Object.keys(endpoints).sort())
  for (const [name, path] of Object.entries(endpoints)) {
    const url = string(told, name)
    assert.equal(url, issuer(broker, 'demo') + path)
    const posts = !['authorization_endpoint', 'userinfo_endpoint', 'jwks_uri'].includes(name)
    const answer = posts ? await postForm(url, {}) : await get(url)
    assert.ok(![404, 405].includes(answer.status) && answer.status < 500, `${name}: ${answer.status}`)
  }
})

test('M3 the lists say what holds, and nothing else', async () => {
  const told = await metadata()
  const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']
  assert.deepEqual(list(told, 'response_types_supported'), ['code'])
  assert.deepEqual(list(told, 'response_modes_supported'), ['query', 'form_post'])
  assert.deepEqual(list(told, 'subject_types_supported'), ['public'])
  assert.deepEqual(list(told, 'code_challenge_methods_supported'), ['S256'])
  assert.deepEqual(list(told, 'grant_types_supported').sort(), [
    'authorization_code',
    'client_credentials',
    'refresh_token',
    'urn:ietf:params:oauth:grant-type:device_code',
  ])
  assert.deepEqual(list(told, 'id_token_signing_alg_values_supported').sort(), ['ES256', 'RS256'])
  assert.deepEqual(list(told, 'scopes_supported').sort(), ['email', 'offline_access', 'openid', 'profile'])
  assert.equal(told.authorization_response_iss_parameter_supported, true)
  assert.deepEqual(list(told, 'refresh_token_expiration_types_supported').sort(), ['authorization', 'token_timeout'])
  for (const place of ['token', 'revocation', 'introspection']) {
    const listed = list(told, `${place}_endpoint_auth_methods_supported`)
    assert.equal(listed[0], 'client_secret_basic')
    // Who asks about tokens proves who it is.
    assert.deepEqual(listed, place === 'introspection' ? methods.filter((method) => method !== 'none') : methods)
    const algorithms = list(told, `${place}_endpoint_auth_signing_alg_values_supported`)
    assert.deepEqual(algorithms.sort(), ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'])
  }
})

test('M3 what may be asked of a sign-in is listed where the provider speaks OpenID Connect', async () => {
  const prompts = ['consent', 'login', 'none', 'select_account']
  assert.deepEqual(list(await metadata(), 'prompt_values_supported').sort(), prompts)
  assert.equal((await metadata('userdocs')).prompt_values_supported, undefined)
  for (const prompt of prompts) {
    const answer = await get(authorizeUrl(broker, web, { prompt }))
    assert.equal(answer.status, 303, `${prompt}: ${answer.text}`)
    assert.equal(new URL(answer.headers.location ?? '').searchParams.get('prompt'), prompt)
  }
  assert.deepEqual(list(await metadata(), 'ui_locales_supported').sort(), ['de', 'en'])
})

test('M3 token exchange is listed where a client of the application has the grant', async () => {
  const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
  assert.equal(list(await metadata('wiremock'), 'grant_types_supported').includes(exchange), true)
  assert.equal(list(await metadata('auth0like'), 'grant_types_supported').includes(exchange), false)
})

test('M3 each listed grant, client method and response works', async () => {
  for (const caller of [web, basicWeb, spa]) {
    const session = await code(broker, caller)
    await refreshed(broker, caller, session.refreshToken)
  }
  const session = await device(broker)
  expectTokens(await refresh(broker, cli, session.refreshToken))
  const landed = await authorize(broker, spa, { ...pkce().parameters, response_mode: 'query' })
  assert.ok(landed.searchParams.get('code'))
})

test('M3 each listed scope is granted, and one that is not listed is not', async () => {
  const told = await metadata()
  for (const scope of list(told, 'scopes_supported')) {
    assert.equal((await startDevice(broker, cli, { scope })).status, 200, scope)
  }
  assert.equal((await startDevice(broker, cli, { scope: 'address' })).body.error, 'invalid_scope')
})

test('M3 the ID token’s algorithm is a listed one', async () => {
  const { idToken } = await device(broker)
  assert.equal(headerOf(idToken).alg, 'RS256')
})

test('M3 the keys are public keys with kid, use and alg, all different', async () => {
  const answer = await get(`${issuer(broker, 'demo')}/.well-known/jwks.json`)
  assert.equal(answer.status, 200)
  const keys: Record<string, unknown>[] = Array.isArray(answer.body.keys) ? answer.body.keys : []
  assert.deepEqual([...new Set(keys.map(({ alg }) => alg))].sort(), ['ES256', 'RS256'])
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length)
  for (const key of keys) {
    assert.equal(typeof key.kid, 'string')
    assert.equal(key.use, 'sig')
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!(secret in key), `${secret} is public`)
  }
})

test('CORS any origin may call token, revocation, userinfo, metadata and keys, without credentials', async () => {
  const told = await metadata()
  const open = [told.token_endpoint, told.revocation_endpoint, told.userinfo_endpoint, told.jwks_uri].map(String)
  const narrow = ['token/device', 'token/code', 'token/refresh', 'token/client'].map((path) =>
    endpoint(broker, 'demo', path),
  )
  for (const url of [...open, ...narrow, openid('demo'), oauth('demo')]) {
    const preflight = await send(url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
    assert.ok(preflight.status === 200 || preflight.status === 204, `${url}: ${preflight.status}`)
    assert.match(preflight.headers['access-control-allow-headers'] ?? '', /authorization/i)
    assert.match(preflight.headers['access-control-allow-methods'] ?? '', /GET|POST/)
    const plain = await send(url, { method: isRead(url) ? 'GET' : 'POST', headers: { origin: 'https://app.example' } })
    for (const { headers } of [preflight, plain]) {
      assert.equal(headers['access-control-allow-origin'], '*', url)
      assert.equal(headers['access-control-allow-credentials'], undefined)
    }
  }
})

test('CORS device authorization, introspection, authorize and the pages are for no other origin', async () => {
  const paths = ['oauth/device_authorization', 'oauth/introspect', 'oauth/authorize', 'oauth/callback', 'activate']
  for (const path of paths) {
    for (const method of ['OPTIONS', 'GET', 'POST']) {
      const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' }
      const answer = await send(`${issuer(broker, 'demo')}/${path}`, { method, headers })
      assert.equal(answer.headers['access-control-allow-origin'], undefined, `${method} ${path}`)
    }
  }
})

function isRead(url: string): boolean {
  return url.includes('.well-known')
}
