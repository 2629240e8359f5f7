/**
 * The provider of kind `oidc`: what it asks, and the person that comes of a sign-in that is right in all.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, afterEach, before, beforeEach, describe, mock, test } from 'node:test'
import type { OidcSettings } from '../../shared/domain/registration.ts'
import { createOidcProvider } from '../../shared/providers/oidc.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { json, providerClientId, startProvider, type TestProvider } from '../support/provider.ts'
import { providerDefaults } from '../support/registry.ts'
import { redirectUri, rejectsAsUnavailable, signIn, type Trip } from '../support/sign-in.ts'

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

describe('new keys of the provider', () => {
  afterEach(() => mock.timers.reset())

  test('are found at a sign-in if the cached ones are a minute old', async () => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() })
    assert.equal((await go()).kind, 'signed-in')
    server.idToken.kid = 'two'
    mock.timers.tick(60_000)
    assert.equal((await go()).kind, 'signed-in')
  })

  test('are found at the second sign-in if the cached ones are younger', async () => {
    assert.equal((await go()).kind, 'signed-in')
    server.idToken.kid = 'two'
    assert.equal((await go()).kind, 'unexpected')
    assert.equal((await go()).kind, 'signed-in')
  })
})

describe('the way there', () => {
  test('asks with PKCE, state and nonce, each of its own, for what the settings say', async () => {
    const [first, second] = [await provider.begin(redirectUri, {}), await provider.begin(redirectUri, {})]
    const url = new URL(first.url)
    assert.equal(`${url.origin}${url.pathname}`, `${server.issuer}/authorize`)
    const { state, nonce, codeVerifier } = first.secrets
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      ...{
        tenant: '1',
        response_type: 'code',
        client_id: providerClientId,
        redirect_uri: redirectUri,
        scope: 'openid email',
      },
      ...{ state, nonce, code_challenge_method: 'S256' },
      code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    })
    for (const secret of [state, nonce, codeVerifier]) assert.ok(secret.length >= 43)
    assert.equal(new Set([...Object.values(first.secrets), ...Object.values(second.secrets)].filter(Boolean)).size, 6)
    assert.ok(!first.url.includes(codeVerifier))
  })

  test('passes prompt, max_age, login_hint, acr_values and ui_locales on', async () => {
    const wishes = { prompt: 'login', maxAgeSeconds: 0, loginHint: 'ada', acrValues: 'mfa pwd', uiLocales: 'de en' }
    const asked = Object.fromEntries(new URL((await provider.begin(redirectUri, wishes)).url).searchParams)
    const { prompt, max_age, login_hint, acr_values, ui_locales } = asked
    assert.deepEqual([prompt, max_age, login_hint], ['login', '0', 'ada'])
    assert.deepEqual([acr_values, ui_locales], ['mfa pwd', 'de en'])
  })

  test('sends max_age with prompt=login, so that the ID token has auth_time', async () => {
    const maxAge = async (prompt: string) =>
      new URL((await provider.begin(redirectUri, { prompt })).url).searchParams.get('max_age')
    assert.equal(await maxAge('login'), '3600')
    assert.equal(await maxAge('consent'), null)
  })

  test('uses a state that is handed in', async () => {
    const { url, secrets } = await provider.begin(redirectUri, {}, 'the handle')
    assert.deepEqual([new URL(url).searchParams.get('state'), secrets.state], ['the handle', 'the handle'])
  })

  test('signInOrigin is the origin of the authorization endpoint', async () => {
    assert.equal(await provider.signInOrigin(), server.issuer)
  })

  test('fetches the metadata once, and again only after a failure', async () => {
    server.misbehave('discovery', (_, response) => json(response, 500, {}))
    await rejectsAsUnavailable(provider.begin(redirectUri, {}))
    server.behave()
    await provider.begin(redirectUri, {})
    await provider.begin(redirectUri, {})
    assert.equal(server.requests.filter(({ endpoint }) => endpoint === 'discovery').length, 1)
  })
})

describe('a sign-in that is right', () => {
  test('gives the wanted claims, and skips userinfo when the ID token has them all', async () => {
    const result = await go({ claims: { unwanted: 'x' } })
    assert.ok(result.kind === 'signed-in')
    const { sub, claims, authTimeSeconds } = result.person
    assert.deepEqual([sub, claims], ['ada', { name: 'Ada', email: 'ada@example.test', email_verified: true }])
    assert.ok(Math.abs((authTimeSeconds ?? 0) - Date.now() / 1000 + 7) < 60)
    assert.ok(!server.requests.some(({ endpoint }) => endpoint === 'userinfo'))
  })

  test('sends the code, the verifier and the trimmed secret', async () => {
    await go()
    const token = new URLSearchParams(server.requests.find(({ endpoint }) => endpoint === 'token')?.body)
    assert.equal(token.get('code'), 'the code')
    assert.equal(token.get('client_secret'), 'the secret')
    assert.equal(token.get('redirect_uri'), redirectUri)
    assert.ok((token.get('code_verifier') ?? '').length >= 43)
  })

  test('authenticates by the configured method', async () => {
    provider = createOidcProvider({ ...settings, auth: 'client_secret_basic' }, async () => 's:é')
    assert.equal((await go()).kind, 'signed-in')
    const basic = server.requests.find(({ endpoint }) => endpoint === 'token')?.authorization
    assert.equal(Buffer.from(basic?.slice(6) ?? '', 'base64').toString(), `${providerClientId}:s%3A%C3%A9`)
    server.behave()
    provider = createOidcProvider({ ...settings, auth: 'none' }, () => assert.fail('there is no secret'))
    assert.equal((await go()).kind, 'signed-in')
    const open = server.requests.find(({ endpoint }) => endpoint === 'token')
    assert.deepEqual([open?.authorization, new URLSearchParams(open?.body).get('client_secret')], [undefined, null])
  })

  test('has auth_time only where the ID token has it as a whole number', async () => {
    for (const auth_time of [undefined, '1800000000', 1.5, null]) {
      const result = await go({ claims: { auth_time } })
      assert.ok(result.kind === 'signed-in' || result.kind === 'unexpected', result.kind)
      if (result.kind === 'signed-in') assert.ok(!('authTimeSeconds' in result.person), String(auth_time))
    }
  })

  test('has the acr of the ID token only where it is short text', async () => {
    const acrOf = async (acr: unknown) => {
      const result = await go({ claims: { acr } })
      return result.kind === 'signed-in' ? result.person.acr : result.kind
    }
    assert.equal(await acrOf('https://refeds.org/profile/mfa'), 'https://refeds.org/profile/mfa')
    for (const acr of [undefined, '', 0, ['mfa'], 'a'.repeat(97)])
      assert.equal(await acrOf(acr), undefined, String(acr))
  })
})

describe('claims', () => {
  const claimsOf = async (claims: Record<string, unknown>) => {
    const result = await go({ claims })
    return result.kind === 'signed-in' ? result.person.claims : assert.fail(result.kind)
  }

  test('that are missing are asked of userinfo, and the ID token’s come first', async () => {
    server.userinfo.claims = { name: 'Userinfo', email: 'other@example.test' }
    assert.deepEqual(await claimsOf({ name: undefined }), {
      name: 'Userinfo',
      email: 'ada@example.test',
      email_verified: true,
    })
    assert.equal(server.requests.filter(({ endpoint }) => endpoint === 'userinfo').length, 1)
  })

  test('that are missing stay so where there is no userinfo', async () => {
    server.metadata.userinfo_endpoint = undefined
    assert.deepEqual(await claimsOf({ name: undefined }), { email: 'ada@example.test', email_verified: true })
  })

  test('of a userinfo about somebody else, or that refuses its own access token, are left out', async () => {
    const own = { email: 'ada@example.test', email_verified: true }
    server.userinfo.claims = { sub: 'eve', name: 'Eve' }
    assert.deepEqual(await claimsOf({ name: undefined }), own)
    const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' }
    server.misbehave('userinfo', (_, response) => void response.writeHead(401, challenge).end())
    assert.deepEqual(await claimsOf({ name: undefined }), own)
  })

  test('that are objects or lists are left out', async () => {
    assert.deepEqual(await claimsOf({ name: { given: 'Ada' }, email: ['a'], email_verified: false }), {
      email_verified: false,
    })
  })

  test('have so much room in all, in bytes; what does not fit is left out, and what does comes after it', async () => {
    for (const name of ['n'.repeat(600), 'é'.repeat(300), '😀'.repeat(150)]) {
      assert.deepEqual(await claimsOf({ name }), { email: 'ada@example.test', email_verified: true })
    }
    const most = await claimsOf({ name: 'n'.repeat(150), email: 'e'.repeat(150), email_verified: true })
    const bytes = Object.entries(most).reduce(
      (sum, [name, value]) => sum + name.length + Buffer.byteLength(String(value)),
      0,
    )
    assert.ok(bytes <= 176, `${bytes} bytes`)
  })

  test('a subject of 255 characters is one, of 256 it is an answer that no standard allows', async () => {
    server.userinfo.claims = { sub: 's'.repeat(255) }
    assert.equal((await go({ claims: { sub: 's'.repeat(255) } })).kind, 'signed-in')
    assert.equal((await go({ claims: { sub: 's'.repeat(256) } })).kind, 'unexpected')
  })
})
