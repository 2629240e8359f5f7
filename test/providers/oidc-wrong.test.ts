/**
 * The provider of kind `oidc` against a provider that makes every mistake there is: a clear no, or `Unavailable`.
 */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { OidcSettings } from '../../shared/domain/registration.ts'
import { createOidcProvider } from '../../shared/providers/oidc.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { json, providerClientId, startProvider, type TestProvider } from '../support/provider.ts'
import { providerDefaults } from '../support/registry.ts'
import { comeBack, redirectUri, rejectsAsUnavailable, signIn, type Trip } from '../support/sign-in.ts'

let server: TestProvider
let provider: Provider
let settings: OidcSettings
before(async () => {
  server = await startProvider()
  settings = {
    ...providerDefaults,
    ...{ kind: 'oidc', issuer: server.issuer, clientId: providerClientId, auth: 'client_secret_post' },
    scopes: ['openid', 'email'],
  }
})
beforeEach(() => {
  provider = createOidcProvider(settings, async () => 'the secret\n')
})
afterEach(() => server.behave())
after(() => server.stop())

const go = (trip?: Trip) => signIn(provider, server, trip)

describe('a sign-in that is wrong', () => {
  const now = Math.floor(Date.now() / 1000)
  const wrongTokens: Record<string, Record<string, unknown>> = {
    'another nonce': { nonce: 'another' },
    'no nonce': { nonce: undefined },
    'another audience': { aud: 'somebody else' },
    'another audience beside ours, authorised for it': {
      aud: [providerClientId, 'somebody else'],
      azp: 'somebody else',
    },
    'another issuer': { iss: 'https://evil.example' },
    'an end in the past': { exp: now - 600 },
    'no subject': { sub: undefined },
  }
  for (const [name, claims] of Object.entries(wrongTokens)) {
    test(`an ID token with ${name} signs nobody in`, async () => {
      const result = await go({ claims })
      assert.equal(result.kind, 'unexpected')
    })
  }

  test('an ID token signed with another key signs nobody in', async () => {
    server.idToken.key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    assert.equal((await go()).kind, 'unexpected')
  })

  test('a token answer without an ID token, or with a malformed one, signs nobody in', async () => {
    const plain = { access_token: 'a', token_type: 'Bearer' }
    for (const body of [plain, { ...plain, id_token: 'x.y.z' }, { ...plain, id_token: 7 }, {}, { id_token: 'x' }]) {
      server.misbehave('token', (_, response) => json(response, 200, body))
      assert.equal((await go()).kind, 'unexpected', JSON.stringify(body))
    }
    server.misbehave('token', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'))
    assert.equal((await go()).kind, 'unexpected')
  })

  test('a wrong or missing state signs nobody in, and the code is not sent', async () => {
    for (const state of ['another', '']) assert.equal((await go({ back: { state } })).kind, 'unexpected')
    assert.ok(!server.requests.some(({ endpoint }) => endpoint === 'token'))
  })

  test('a wrong `iss` in the callback signs nobody in (RFC 9207)', async () => {
    assert.equal((await go({ back: { iss: 'https://evil.example' } })).kind, 'unexpected')
  })

  test('an error in the callback refuses the sign-in by its name', async () => {
    const back = { code: '', error: 'access_denied', error_description: 'No.' }
    assert.deepEqual(await go({ back }), { kind: 'refused', error: 'access_denied' })
  })

  test('invalid_grant rejects the sign-in, whatever the 4xx status', async () => {
    for (const status of [400, 401, 403]) {
      server.misbehave('token', (_, response) => json(response, status, { error: 'invalid_grant' }))
      assert.deepEqual(await go(), { kind: 'rejected' }, String(status))
    }
  })

  test('any other 4xx of the token endpoint is reported by its error', async () => {
    server.misbehave('token', (_, response) => json(response, 400, { error: 'invalid_client' }))
    assert.deepEqual(await go(), { kind: 'unexpected', why: 'invalid_client' })
    server.misbehave('token', (_, response) => void response.writeHead(404).end())
    assert.equal((await go()).kind, 'unexpected')
  })
})

describe('a provider that is out of reach', () => {
  const hangUp = (request: { socket: { destroy(): void } }) => request.socket.destroy()

  for (const endpoint of ['token', 'jwks', 'userinfo'] as const) {
    test(`${endpoint} answers 5xx, with an OAuth error and without`, async () => {
      for (const status of [500, 502, 503]) {
        server.misbehave(endpoint, (_, response) => json(response, status, { error: 'server_error' }))
        await rejectsAsUnavailable(go({ claims: { name: undefined } }))
        server.misbehave(endpoint, (_, response) => void response.writeHead(status).end('<p>'))
        await rejectsAsUnavailable(go({ claims: { name: undefined } }))
      }
    })

    test(`${endpoint} hangs up`, async () => {
      server.misbehave(endpoint, hangUp)
      await rejectsAsUnavailable(go({ claims: { name: undefined } }))
    })

    test(`${endpoint} hangs up in the middle of its answer`, async () => {
      server.misbehave(endpoint, (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"a":')
        setTimeout(() => hangUp(request), 20)
      })
      await rejectsAsUnavailable(go({ claims: { name: undefined } }))
    })

    test(`${endpoint} throttles`, async () => {
      server.misbehave(endpoint, (_, response) => json(response, 429, { error: 'too_many_requests' }))
      await rejectsAsUnavailable(go({ claims: { name: undefined } }))
    })
  }

  test('the token endpoint never answers', async () => {
    server.misbehave('token', () => {})
    await rejectsAsUnavailable(go())
  })

  test('its metadata is missing or names another issuer', async () => {
    for (const status of [404, 500]) {
      server.misbehave('discovery', (_, response) => json(response, status, {}))
      await rejectsAsUnavailable(provider.begin(redirectUri, {}))
      await rejectsAsUnavailable(provider.signInOrigin())
    }
    server.behave()
    server.metadata.issuer = 'https://evil.example'
    await rejectsAsUnavailable(provider.begin(redirectUri, {}))
  })

  test('nobody listens', async () => {
    const gone = createOidcProvider({ ...settings, issuer: 'http://127.0.0.1:9' }, async () => 's')
    await rejectsAsUnavailable(gone.begin(redirectUri, {}))
    await rejectsAsUnavailable(comeBack(gone, { state: 's', nonce: 'n', codeVerifier: 'v' }))
  })

  test('a secret that cannot be read on the way back is no fault of the provider', async () => {
    const timeout = Object.assign(new Error('slow'), { name: 'TimeoutError' })
    const broken = createOidcProvider(settings, () => Promise.reject(new Unavailable('secrets', timeout)))
    const secrets = { state: 's', nonce: 'n', codeVerifier: 'v' }
    const callback = new URL(`${redirectUri}?code=c&state=s`)
    await assert.rejects(broken.finish(callback, secrets, []), ({ part }: Unavailable) => part === 'secrets')
  })

  test('a blank client secret is for the operator', async () => {
    const blank = createOidcProvider(settings, async () => ' \n')
    await assert.rejects(
      blank.begin(redirectUri, {}),
      ({ part, needsOperator }: Unavailable) => part === 'secrets' && needsOperator,
    )
  })

  test('the time that userinfo asks for is passed on', async () => {
    server.misbehave('userinfo', (_, response) => void response.writeHead(503, { 'retry-after': '120' }).end())
    await assert.rejects(
      go({ claims: { name: undefined } }),
      ({ retryAfterSeconds }: Unavailable) => retryAfterSeconds === 120,
    )
  })

  test('a client secret that cannot be read is reported as such, and the next sign-in tries again', async () => {
    let readable = false
    provider = createOidcProvider(settings, async () =>
      readable ? 's' : Promise.reject(new Unavailable('secrets', undefined)),
    )
    await assert.rejects(provider.begin(redirectUri, {}), ({ part }: Unavailable) => part === 'secrets')
    readable = true
    assert.ok(await provider.begin(redirectUri, {}))
  })
})
