/**
 * W30 to W42 of the requirements: the broker as a client of a provider in Auth0's manner (local/tenant), and of one whose
 * answers lack what a standard lets them lack.
 *
 * Owns the client's side, one provider at a time. What is done with the tokens afterwards is in test/flows.
 */

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { type IdentityProvider, startIdentityProvider } from '../../local/identity-provider.ts'
import type { OidcSettings, ProviderSettings } from '../../shared/domain/registration.ts'
import { createOAuth2Provider } from '../../shared/providers/oauth2.ts'
import { createOidcProvider } from '../../shared/providers/oidc.ts'
import type { Provider, ProviderTokens } from '../../shared/providers/provider.ts'
import { claimsOf } from '../flows/support/expect.ts'
import { Person } from '../flows/support/person.ts'
import { connectDevice } from '../flows/support/tenant.ts'
import {
  type FallibleProvider,
  fallibleClientId,
  type Kind,
  startFallibleProvider,
} from '../support/fallible-provider.ts'
import { startProvider } from '../support/provider.ts'
import { rejectsAsUnavailable, signIn } from '../support/sign-in.ts'

const redirectUri = 'http://127.0.0.1:9999/wiremock/oauth/callback'
const audience = 'https://api.wiremock.example'
const wanted = ['name', 'email']
const noSecret = () => assert.fail('a public client has none')

let server: IdentityProvider
let scripted: FallibleProvider
before(async () => {
  const common = { application: 'wiremock', auth: 'none', secret: '' } as const
  const clients = [
    { ...common, clientId: 'at-the-tenant', at: 'tenant' },
    { ...common, clientId: 'next-door', at: 'openid' },
  ] as const
  server = await startIdentityProvider({ port: 0, clients, log: () => {} })
  scripted = await startFallibleProvider()
})
afterEach(() => {
  scripted.heal()
  scripted.forget()
})
after(async () => {
  await server.stop()
  await scripted.stop()
})

const usual = {
  auth: 'none',
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  parameters: { audience },
  deviceLogin: 'upstream',
  revokeTokens: true,
} as const

function settingsFor(issuer: string, clientId: string): OidcSettings {
  return { ...usual, kind: 'oidc', issuer, clientId }
}

const tenant = (issuer = `${server.url}/tenant/`) => createOidcProvider(settingsFor(issuer, 'at-the-tenant'), noSecret)
const fallible = () => createOidcProvider(settingsFor(scripted.issuer, fallibleClientId), noSecret)

/** In a browser, there and back. */
async function byBrowser(provider: Provider, claims = wanted, person = new Person()) {
  const { url, secrets } = await provider.begin(redirectUri, {})
  const page = await person.open(url)
  const [login] = page.forms
  const end = login === undefined ? page : await person.submit(page, login, { login: person.name, password: 'x' })
  const finish = () => provider.finish(end.url, secrets, claims)
  return { result: await finish(), finish }
}

async function startDevice(provider: Provider) {
  const started = await provider.startDeviceLogin()
  return 'why' in started ? assert.fail(started.why) : started
}

/** By the provider's own device flow. */
async function byDevice(provider: Provider): Promise<ProviderTokens> {
  const { deviceCode, verificationUriComplete = '' } = await startDevice(provider)
  await connectDevice(verificationUriComplete)
  const result = await provider.pollDeviceLogin(deviceCode, wanted)
  assert.ok(result.kind === 'signed-in', JSON.stringify(result))
  assert.deepEqual(result.person.claims, { name: 'Ada', email: 'ada@example.test' })
  return result.tokens
}

describe('metadata', () => {
  test('W30 an issuer with a slash at its end is found, one without too, and neither is taken for the other', async () => {
    const { result } = await byBrowser(tenant())
    assert.ok(result.kind === 'signed-in')
    assert.equal(claimsOf(result.tokens.accessToken).iss, `${server.url}/tenant/`)
    const nextDoor = createOidcProvider(settingsFor(server.url, 'next-door'), noSecret)
    assert.equal((await byBrowser(nextDoor)).result.kind, 'signed-in')
    await rejectsAsUnavailable(tenant(`${server.url}/tenant`).begin(redirectUri, {}))
  })

  test('W31 what it does not say vetoes neither a public client nor its device flow, refresh or revocation', async () => {
    const provider = tenant()
    const { refreshToken = '' } = await byDevice(provider)
    const refreshed = await provider.refresh(refreshToken, 'ada')
    assert.ok(refreshed.kind === 'refreshed')
    assert.equal(await provider.revoke(refreshed.tokens), undefined)
    assert.deepEqual(await provider.refresh(refreshed.tokens.refreshToken ?? '', 'ada'), { kind: 'refused' })
  })
})

describe('a sign-in', () => {
  test('W32 parameters of the settings go along, with the browser and with the device', async () => {
    const provider = tenant()
    const { result } = await byBrowser(provider)
    assert.ok(result.kind === 'signed-in')
    for (const { accessToken } of [result.tokens, await byDevice(provider)]) {
      const { aud } = claimsOf(accessToken)
      assert.ok(Array.isArray(aud) && aud.includes(audience))
    }
  })

  test('W33 a device login has user code, both addresses, deadline and interval', async () => {
    const { deviceCode, userCode, ...rest } = await startDevice(tenant())
    assert.ok(deviceCode !== '' && userCode !== '')
    const verificationUri = `${server.url}/tenant/activate`
    assert.deepEqual(rest, {
      verificationUri,
      verificationUriComplete: `${verificationUri}?user_code=${userCode}`,
      ...{ expiresInSeconds: 900, intervalSeconds: 5 },
    })
  })

  test('W33 without the complete address there is none, and without an interval it is 5 s', async () => {
    const members = { verification_uri_complete: undefined, interval: undefined }
    scripted.fail('device', { kind: 'change', members })
    const { verificationUriComplete, intervalSeconds } = await startDevice(fallible())
    assert.deepEqual([verificationUriComplete, intervalSeconds], [undefined, 5])
  })

  test('W34 what a poll is told is read by its error, whatever the 4xx', async () => {
    const provider = fallible()
    const { deviceCode } = await startDevice(provider)
    const told = {
      ...{ authorization_pending: 'pending', slow_down: 'too-early' },
      ...{ expired_token: 'expired', access_denied: 'refused' },
      // As Entra ID says it.
      ...{ bad_verification_code: 'expired', authorization_declined: 'refused' },
    }
    for (const [error, kind] of Object.entries(told)) {
      for (const status of [400, 401, 403, 429]) {
        scripted.fail('poll', { kind: 'refuse', status, error }, 1)
        assert.equal((await provider.pollDeviceLogin(deviceCode, wanted)).kind, kind, `${error} with ${status}`)
      }
    }
  })

  test('W34 a tenant’s 403 and 429 are pending and too early, and a denial is the end', async () => {
    const provider = tenant()
    const { deviceCode, verificationUriComplete = '' } = await startDevice(provider)
    const poll = async () => (await provider.pollDeviceLogin(deviceCode, wanted)).kind
    assert.deepEqual([await poll(), await poll()], ['pending', 'too-early'])
    const denied = await startDevice(provider)
    await connectDevice(denied.verificationUriComplete ?? '', { decision: 'abort' })
    const end = await provider.pollDeviceLogin(denied.deviceCode, wanted)
    assert.deepEqual(end, { kind: 'refused', error: 'access_denied' })
    await connectDevice(verificationUriComplete)
  })

  test('W34 a code that was used is rejected, which a tenant says with a 403', async () => {
    const { finish } = await byBrowser(tenant())
    assert.equal((await finish()).kind, 'rejected')
  })

  test('W42 the ID token’s aud may be text or a list, and the access token anything', async () => {
    const server = await startProvider()
    const settings: ProviderSettings = { ...usual, kind: 'oidc', issuer: server.issuer, clientId: 'broker' }
    try {
      for (const aud of ['broker', ['broker']]) {
        const result = await signIn(createOidcProvider(settings, noSecret), server, { claims: { aud } })
        assert.ok(result.kind === 'signed-in')
        assert.equal(result.tokens.accessToken, 'the access token of the provider')
      }
      const stranger = await signIn(createOidcProvider(settings, noSecret), server, { claims: { aud: ['other'] } })
      assert.equal(stranger.kind, 'unexpected')
    } finally {
      await server.stop()
    }
  })
})

describe('tokens', () => {
  const change = (kind: Kind, members: Record<string, unknown>) => scripted.fail(kind, { kind: 'change', members }, 1)

  async function signedIn(provider: Provider): Promise<ProviderTokens> {
    const { result } = await byBrowser(provider)
    return result.kind === 'signed-in' ? result.tokens : assert.fail(result.kind)
  }

  test('W36 neither scope nor a refresh token nor a lifetime is missed at the sign-in', async () => {
    change('code', { scope: undefined, refresh_token: undefined, expires_in: undefined })
    const { accessToken, ...rest } = await signedIn(fallible())
    assert.deepEqual(
      [accessToken, rest],
      [scripted.accessTokens().at(-1), { refreshToken: undefined, expiresInSeconds: undefined, scope: undefined }],
    )
  })

  test('W36 neither scope nor an ID token is missed at a refresh, and no refresh token means that the old one stays', async () => {
    scripted.behaviour.rotates = false
    const provider = fallible()
    const { refreshToken = '' } = await signedIn(provider)
    for (let turn = 0; turn < 2; turn += 1) {
      change('refresh', { scope: undefined, id_token: undefined })
      const result = await provider.refresh(refreshToken, 'ada')
      assert.ok(result.kind === 'refreshed')
      assert.equal(result.tokens.refreshToken, undefined)
    }
  })

  test('W38 invalid_grant at a refresh is a refusal, whatever the 4xx, and is not tried again', async () => {
    const provider = fallible()
    for (const status of [400, 401, 403]) {
      scripted.forget()
      scripted.fail('refresh', { kind: 'refuse', status, error: 'invalid_grant' }, 1)
      assert.deepEqual(await provider.refresh('x', 'ada'), { kind: 'refused' })
      assert.equal(scripted.count('refresh'), 1)
    }
  })

  test('W40 the token’s type may come in any case, and userinfo is asked with Bearer', async () => {
    for (const type of ['bearer', 'BEARER']) {
      scripted.forget()
      change('code', { token_type: type })
      assert.equal((await byBrowser(fallible(), ['nickname'])).result.kind, 'signed-in')
      const [{ authorization = '' } = {}] = scripted.requests.filter(({ kind }) => kind === 'userinfo')
      assert.match(authorization, /^Bearer /)
    }
  })

  test('W41 an empty 200 is a revocation: nothing is read, and client and token are all that it takes', async () => {
    const provider = fallible()
    const tokens = await signedIn(provider)
    assert.equal(await provider.revoke(tokens), undefined)
    const { parameters } = scripted.requests.find(({ kind }) => kind === 'revoke')!
    const { token_type_hint: _hint, ...rest } = parameters
    assert.deepEqual(rest, { client_id: fallibleClientId, token: tokens.refreshToken })
    assert.deepEqual(await provider.refresh(tokens.refreshToken ?? '', 'ada'), { kind: 'refused' })
  })

  test('W42 an ID token of somebody else at a refresh is no refresh', async () => {
    const provider = fallible()
    const { refreshToken = '' } = await signedIn(provider)
    assert.equal((await provider.refresh(refreshToken, 'eve')).kind, 'unexpected')
  })
})

test('W31 a provider of kind oauth2 with endpoints typed in by hand has device flow, refresh and revocation as well', async () => {
  const provider = createOAuth2Provider(
    {
      ...{ ...usual, kind: 'oauth2', clientId: fallibleClientId, scopes: ['profile'] },
      ...{ authorizationEndpoint: `${scripted.issuer}/authorize`, tokenEndpoint: `${scripted.issuer}/token` },
      ...{ userinfoEndpoint: `${scripted.issuer}/userinfo`, revocationEndpoint: `${scripted.issuer}/revoke` },
      ...{ deviceAuthorizationEndpoint: `${scripted.issuer}/device`, body: 'form', pkce: true, claims: {} },
    },
    noSecret,
  )
  const { deviceCode, userCode } = await startDevice(provider)
  scripted.decide(userCode, 'approve')
  const result = await provider.pollDeviceLogin(deviceCode, wanted)
  assert.ok(result.kind === 'signed-in')
  const refreshed = await provider.refresh(result.tokens.refreshToken ?? '', 'ada')
  assert.ok(refreshed.kind === 'refreshed')
  assert.equal(await provider.revoke(refreshed.tokens), undefined)
})
