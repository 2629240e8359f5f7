/**
 * The provider of kind `oauth2`: endpoints typed in by hand, no ID token, and a userinfo that says who it is.
 */

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { OAuth2Settings } from '../../shared/domain/registration.ts'
import { createOAuth2Provider } from '../../shared/providers/oauth2.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { json, providerClientId, startProvider, type TestProvider } from '../support/provider.ts'
import { providerDefaults } from '../support/registry.ts'
import { redirectUri, rejectsAsUnavailable, signIn, type Trip } from '../support/sign-in.ts'

let server: TestProvider
let provider: Provider
before(async () => {
  server = await startProvider()
})
beforeEach(() => {
  provider = made()
  server.userinfo.claims = { name: 'Ada', email: 'ada@example.test' }
})
afterEach(() => server.behave())
after(() => server.stop())

function made(changes: Partial<OAuth2Settings> = {}): Provider {
  const settings: OAuth2Settings = {
    ...{
      ...providerDefaults,
      kind: 'oauth2',
      clientId: providerClientId,
      auth: 'client_secret_post',
      scopes: ['read'],
      body: 'form',
      pkce: true,
      claims: {},
    },
    authorizationEndpoint: `${server.issuer}/authorize`,
    tokenEndpoint: `${server.issuer}/token`,
    userinfoEndpoint: `${server.issuer}/userinfo`,
    ...changes,
  }
  return createOAuth2Provider(settings, async () => 'the secret')
}

const go = (trip?: Trip) => signIn(provider, server, trip)
const tokenRequest = () => server.requests.find(({ endpoint }) => endpoint === 'token')
const answers = (body: object, status = 200) => server.misbehave('token', (_, response) => json(response, status, body))
const bare = { access_token: 'the access token of the provider', token_type: 'bearer' }

describe('a sign-in that is right', () => {
  test('gives the person of userinfo, without auth_time, and asks for no metadata', async () => {
    answers(bare)
    const person = { sub: 'ada', claims: { name: 'Ada', email: 'ada@example.test' } }
    const tokens = {
      accessToken: 'the access token of the provider',
      refreshToken: undefined,
      expiresInSeconds: undefined,
      scope: undefined,
    }
    assert.deepEqual(await go(), { kind: 'signed-in', person, tokens })
    assert.deepEqual(
      server.requests.map(({ endpoint }) => endpoint),
      ['token', 'userinfo'],
    )
    assert.equal(server.requests[1]?.authorization, 'Bearer the access token of the provider')
  })

  test('asks for the configured scopes, and for no scope where none is configured', async () => {
    assert.equal(await provider.signInOrigin(), server.issuer)
    const scopeAt = async (at: Provider) => new URL((await at.begin(redirectUri, {})).url).searchParams.get('scope')
    assert.deepEqual([await scopeAt(provider), await scopeAt(made({ scopes: [] }))], ['read', null])
  })

  test('sends forms, or JSON where the provider wants it', async () => {
    await go()
    assert.equal(new URLSearchParams(tokenRequest()?.body).get('code'), 'the code')
    assert.equal(new URLSearchParams(tokenRequest()?.body).get('client_secret'), 'the secret')
    server.requests.length = 0
    provider = made({ body: 'json' })
    await go()
    const { code, client_id, client_secret, grant_type } = JSON.parse(tokenRequest()?.body ?? '') as Record<
      string,
      string
    >
    assert.deepEqual(
      [code, client_id, client_secret, grant_type],
      ['the code', providerClientId, 'the secret', 'authorization_code'],
    )
  })

  test('ignores an ID token, even a broken one', async () => {
    for (const id_token of ['x.y.z', 7, null, { a: 1 }]) {
      answers({ ...bare, id_token })
      assert.equal((await go()).kind, 'signed-in', JSON.stringify(id_token))
    }
    answers({ ...bare, note: 'has "id_token" in a text' })
    assert.equal((await go()).kind, 'signed-in')
  })

  test('takes the subject from the configured member, else `sub`, else `id`, and accepts a number', async () => {
    const subjectOf = async (userinfo: object, claims: Record<string, string> = {}) => {
      provider = made({ claims })
      server.misbehave('userinfo', (_, response) => json(response, 200, userinfo))
      const result = await go()
      return result.kind === 'signed-in' ? result.person.sub : result.kind
    }
    assert.equal(await subjectOf({ sub: 'a', id: 'b' }), 'a')
    assert.equal(await subjectOf({ id: 'b' }), 'b')
    assert.equal(await subjectOf({ id: 42 }), '42')
    assert.equal(await subjectOf({ uid: 'c', id: 'b' }, { sub: 'uid' }), 'c')
    assert.equal(await subjectOf({ sub: 's'.repeat(255) }), 's'.repeat(255))
    for (const nobody of [
      {},
      { sub: '' },
      { sub: 's'.repeat(256) },
      { id: 1.5 },
      { id: 2 ** 60 },
      { sub: {} },
      { id: true },
    ]) {
      assert.equal(await subjectOf(nobody), 'unexpected', JSON.stringify(nobody))
    }
  })

  test('maps claims by the settings', async () => {
    provider = made({ claims: { name: 'displayName' } })
    server.userinfo.claims = { displayName: 'Ada L.', name: 'x', email: 'e' }
    const result = await go()
    assert.deepEqual(result.kind === 'signed-in' && result.person.claims, { name: 'Ada L.', email: 'e' })
  })
})

describe('a sign-in that is wrong', () => {
  test('a wrong state signs nobody in, and the code is not sent', async () => {
    assert.equal((await go({ back: { state: 'another' } })).kind, 'unexpected')
    assert.deepEqual(server.requests, [])
  })

  test('invalid_grant rejects the sign-in, whatever the 4xx status', async () => {
    for (const status of [400, 401, 403, 404]) {
      answers({ error: 'invalid_grant' }, status)
      assert.deepEqual(await go(), { kind: 'rejected' }, String(status))
    }
    answers({ error: 'invalid_client' }, 403)
    assert.deepEqual(await go(), { kind: 'unexpected', why: 'invalid_client' })
  })

  test('a token answer without a token, or a userinfo that is not an object, signs nobody in', async () => {
    answers({ token_type: 'bearer' })
    assert.equal((await go()).kind, 'unexpected')
    server.misbehave(
      'token',
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('"id_token'),
    )
    assert.equal((await go()).kind, 'unexpected')
    answers(bare)
    for (const text of ['', '7', 'null', '<p>', '"ada"']) {
      server.misbehave(
        'userinfo',
        (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text),
      )
      assert.equal((await go()).kind, 'unexpected', text)
    }
    for (const status of [400, 401, 403, 404]) {
      server.misbehave('userinfo', (_, response) => json(response, status, { sub: 'ada' }))
      assert.equal((await go()).kind, 'unexpected', String(status))
    }
    const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' }
    server.misbehave('userinfo', (_, response) => void response.writeHead(401, challenge).end())
    assert.equal((await go()).kind, 'unexpected')
  })

  test('an error in the callback refuses the sign-in by its name', async () => {
    const back = { code: '', error: 'access_denied' }
    assert.deepEqual(await go({ back }), { kind: 'refused', error: 'access_denied' })
  })
})

describe('a provider that is out of reach', () => {
  for (const endpoint of ['token', 'userinfo'] as const) {
    test(`${endpoint} answers 5xx or 429`, async () => {
      for (const status of [429, 500, 503]) {
        server.misbehave(endpoint, (_, response) => json(response, status, { error: 'busy' }))
        await rejectsAsUnavailable(go())
        server.misbehave(endpoint, (_, response) => void response.writeHead(status).end('<p>'))
        await rejectsAsUnavailable(go())
      }
    })

    test(`${endpoint} hangs up, before its answer or in the middle of it`, async () => {
      server.misbehave(endpoint, (request) => void request.socket.destroy())
      await rejectsAsUnavailable(go())
      server.misbehave(endpoint, (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"a":')
        setTimeout(() => request.socket.destroy(), 20)
      })
      await rejectsAsUnavailable(go())
    })
  }

  test('userinfo never answers', async () => {
    server.misbehave('userinfo', () => {})
    await rejectsAsUnavailable(go())
  })
})
