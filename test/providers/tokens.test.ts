/**
 * Both kinds of provider once somebody has signed in: fresh tokens, their end, and the device flow of the provider's own.
 * What is asked, in which words, and how each answer is read.
 */

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { OAuth2Settings, OidcSettings } from '../../shared/domain/registration.ts'
import { createOAuth2Provider } from '../../shared/providers/oauth2.ts'
import { createOidcProvider } from '../../shared/providers/oidc.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import {
  type FallibleProvider,
  type Fault,
  fallibleClientId,
  type Kind,
  startFallibleProvider,
} from '../support/fallible-provider.ts'
import { providerDefaults } from '../support/registry.ts'

let server: FallibleProvider
before(async () => {
  server = await startFallibleProvider()
})
afterEach(() => {
  server.heal()
  server.forget()
})
after(() => server.stop())

const secret = async () => 'the secret\n'
const common = { ...providerDefaults, clientId: fallibleClientId, revokeTokens: true } as const

function oidcProvider(changes: Partial<OidcSettings> = {}): Provider {
  const own = { kind: 'oidc', issuer: server.issuer, auth: 'client_secret_post' } as const
  return createOidcProvider({ ...common, ...own, scopes: ['openid', 'offline_access'], ...changes }, secret)
}

function oauth2Provider(changes: Partial<OAuth2Settings> = {}): Provider {
  const at = (path: string) => `${server.issuer}/${path}`
  const settings: OAuth2Settings = {
    ...{ ...common, kind: 'oauth2', auth: 'client_secret_post', body: 'form', pkce: true, scopes: [], claims: {} },
    ...{ authorizationEndpoint: at('authorize'), tokenEndpoint: at('token'), userinfoEndpoint: at('userinfo') },
    ...{ deviceAuthorizationEndpoint: at('device'), revocationEndpoint: at('revoke') },
    ...changes,
  }
  return createOAuth2Provider(settings, secret)
}

const makers: Readonly<Record<string, () => Provider>> = {
  oidc: () => oidcProvider(),
  'oidc with Basic': () => oidcProvider({ auth: 'client_secret_basic' }),
  oauth2: () => oauth2Provider(),
  'oauth2 with JSON bodies': () => oauth2Provider({ body: 'json' }),
  'oauth2 with JSON bodies and Basic': () => oauth2Provider({ body: 'json', auth: 'client_secret_basic' }),
}

const refuse = (status: number, error?: string, challenge = 'Bearer error="x"'): Fault => ({
  ...{ kind: 'refuse', status, challenge },
  ...(error !== undefined && { error }),
})

async function startDevice(provider: Provider) {
  const started = await provider.startDeviceLogin()
  return 'why' in started ? assert.fail(started.why) : started
}

async function signedIn(provider: Provider) {
  const { deviceCode, userCode } = await startDevice(provider)
  server.decide(userCode, 'approve')
  const result = await provider.pollDeviceLogin(deviceCode, ['name'])
  assert.ok(result.kind === 'signed-in', JSON.stringify(result))
  server.forget()
  return result
}

const asked = (kind: Kind) => server.requests.find((request) => request.kind === kind) ?? assert.fail(`no ${kind}`)

async function retryAfterOf(promise: Promise<unknown>): Promise<number> {
  const error = await promise.then(
    () => assert.fail('it worked'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Unavailable, String(error))
  assert.equal(error.part, 'provider')
  return error.retryAfterSeconds
}

for (const [name, make] of Object.entries(makers)) {
  describe(name, () => {
    test('signs a person in by its own device flow, refreshes and revokes, as itself each time', async () => {
      const provider = make()
      const { person, tokens } = await signedIn(provider)
      assert.deepEqual([person.sub, person.claims], ['ada', { name: 'Ada' }])
      const refreshed = await provider.refresh(tokens.refreshToken!, 'ada')
      assert.ok(refreshed.kind === 'refreshed')
      assert.equal(refreshed.tokens.accessToken, server.accessTokens().at(-1))
      assert.equal(refreshed.tokens.expiresInSeconds, 300)
      assert.equal(asked('refresh').parameters.refresh_token, tokens.refreshToken)
      assert.equal(await provider.revoke(refreshed.tokens), undefined)
      assert.equal(asked('revoke').parameters.token, refreshed.tokens.refreshToken)
      for (const { authorization, parameters } of [asked('refresh'), asked('revoke')]) {
        const basic = Buffer.from(authorization?.slice('Basic '.length) ?? '', 'base64').toString()
        const shown = name.endsWith('Basic') ? basic : `${parameters.client_id}:${parameters.client_secret}`
        assert.equal(shown.replaceAll(/%20|\+/g, ' '), `${fallibleClientId}:the secret`)
      }
    })

    test('a challenge in the header does not hide the error of the body', async () => {
      const provider = make()
      const { deviceCode } = await startDevice(provider)
      server.fail('refresh', refuse(401, 'invalid_grant'), 1)
      assert.deepEqual(await provider.refresh('x', 'ada'), { kind: 'refused' })
      server.fail('refresh', refuse(401, 'invalid_client'), 1)
      assert.deepEqual(await provider.refresh('x', 'ada'), { kind: 'unexpected', why: 'invalid_client' })
      server.fail('poll', refuse(401, 'authorization_pending'), 1)
      assert.deepEqual(await provider.pollDeviceLogin(deviceCode, []), { kind: 'pending' })
      server.fail('revoke', refuse(401, 'invalid_client'), 1)
      assert.equal(await provider.revoke({ accessToken: 'a' }), 'invalid_client')
      server.fail('device', refuse(401, 'unauthorized_client'), 1)
      assert.deepEqual(await provider.startDeviceLogin(), { why: 'unauthorized_client' })
    })

    test('how long a server in trouble asks to be left alone is passed on, in whole seconds and up to five minutes', async () => {
      const provider = make()
      await startDevice(provider)
      const told = { 9: 9, '7.2': 8, 0: 5, 2: 5, 4000: 300, '-3': 5, 'Wed, 21 Oct 2026 07:28:00 GMT': 5 }
      for (const status of [429, 503]) {
        for (const [retryAfterSeconds, expected] of Object.entries(told)) {
          server.fail('refresh', { kind: 'refuse', status, retryAfterSeconds }, 1)
          assert.equal(await retryAfterOf(provider.refresh('x', 'ada')), expected, `${status}, ${retryAfterSeconds}`)
        }
      }
    })

    test('a server in trouble is out of reach, whatever it says of the token', async () => {
      const provider = make()
      const { deviceCode } = await startDevice(provider)
      const requests: Readonly<Record<string, () => Promise<unknown>>> = {
        refresh: () => provider.refresh('x', 'ada'),
        revoke: () => provider.revoke({ accessToken: 'a' }),
        device: () => provider.startDeviceLogin(),
        poll: () => provider.pollDeviceLogin(deviceCode, []),
      }
      const faults: Fault[] = [
        refuse(500),
        refuse(503, 'invalid_grant'),
        refuse(429, 'invalid_grant'),
        { kind: 'hang-up' },
      ]
      for (const [kind, request] of Object.entries(requests)) {
        for (const fault of faults) {
          server.fail(kind as Kind, fault, 1)
          assert.equal(await retryAfterOf(request()), 5, `${kind}: ${JSON.stringify(fault)}`)
        }
      }
    })

    test('an answer that no standard allows is unexpected, and no token is taken from it', async () => {
      const provider = make()
      const { deviceCode, userCode } = await startDevice(provider)
      const changes = [{ access_token: undefined }, { access_token: 7 }, { token_type: undefined }, { expires_in: 'x' }]
      for (const members of changes) {
        const { tokens } = await signedIn(provider)
        server.fail('refresh', { kind: 'change', members }, 1)
        const result = await provider.refresh(tokens.refreshToken!, 'ada')
        assert.equal(result.kind, 'unexpected', JSON.stringify(members))
      }
      server.fail('refresh', { kind: 'malformed' }, 1)
      assert.equal((await provider.refresh((await signedIn(provider)).tokens.refreshToken!, 'ada')).kind, 'unexpected')
      server.decide(userCode, 'approve')
      server.fail('poll', { kind: 'change', members: { access_token: undefined } }, 1)
      assert.equal((await provider.pollDeviceLogin(deviceCode, [])).kind, 'unexpected')
    })

    test('a device login that people could not go through is not begun, and odd times are made good', async () => {
      const provider = make()
      const changed = async (members: Readonly<Record<string, unknown>>) => {
        server.fail('device', { kind: 'change', members }, 1)
        return provider.startDeviceLogin()
      }
      for (const verification_uri of ['javascript:alert(1)', 'data:text/html,x', 'nowhere']) {
        assert.ok('why' in (await changed({ verification_uri })), verification_uri)
      }
      for (const member of ['device_code', 'user_code', 'verification_uri', 'expires_in']) {
        assert.ok('why' in (await changed({ [member]: undefined })), member)
      }
      const times = async (expires_in: unknown, interval: unknown) => {
        const started = await changed({ expires_in, interval, verification_uri_complete: 'javascript:alert(1)' })
        if ('why' in started) return assert.fail(started.why)
        assert.equal(started.verificationUriComplete, undefined)
        return [started.expiresInSeconds, started.intervalSeconds]
      }
      assert.deepEqual(await times(600.9, 2.1), [600, 3])
      assert.deepEqual(await times(0.5, 0.2), [1, 1])
      assert.deepEqual(await times(1e9, 1e9), [3_600, 3_600])
      assert.deepEqual(await times(600, undefined), [600, 5])
    })
  })
}

test('an ID token of another person at a refresh is no refresh; without one there is nothing to compare', async () => {
  const oidc = oidcProvider()
  const { tokens } = await signedIn(oidc)
  const why = 'the tokens are of another person'
  assert.deepEqual(await oidc.refresh(tokens.refreshToken!, 'eve'), { kind: 'unexpected', why })
  server.fail('refresh', { kind: 'change', members: { id_token: undefined } }, 1)
  assert.equal((await oidc.refresh(server.liveRefreshTokens().at(-1)!, 'eve')).kind, 'refreshed')
  const { tokens: plain } = await signedIn(oauth2Provider())
  server.fail('refresh', { kind: 'change', members: { id_token: 'not even one' } }, 1)
  assert.equal((await oauth2Provider().refresh(plain.refreshToken!, 'eve')).kind, 'refreshed')
})

test('a refresh brings its tokens although the keys for its ID token are out of reach', async () => {
  const { tokens } = await signedIn(oidcProvider())
  server.fail('jwks', { kind: 'hang-up' })
  assert.equal((await oidcProvider().refresh(tokens.refreshToken!, 'ada')).kind, 'refreshed')
})

test('an ID token at a refresh that does not hold is no refresh', async () => {
  const provider = oidcProvider()
  const { tokens } = await signedIn(provider)
  server.fail('refresh', { kind: 'change', members: { id_token: 'not.a.jwt' } }, 1)
  assert.equal((await provider.refresh(tokens.refreshToken!, 'ada')).kind, 'unexpected')
})

test('a lifetime may be text, and one of zero is not told; an empty refresh token is no answer', async () => {
  const provider = oidcProvider()
  const refreshedWith = async (members: Readonly<Record<string, unknown>>) => {
    const { tokens } = await signedIn(provider)
    server.fail('refresh', { kind: 'change', members }, 1)
    return provider.refresh(tokens.refreshToken!, 'ada')
  }
  const lifetimes = { '90': 90, '90.9': 90, '0': undefined }
  for (const [expires_in, expected] of Object.entries(lifetimes)) {
    const result = await refreshedWith({ expires_in })
    assert.equal(result.kind === 'refreshed' ? result.tokens.expiresInSeconds : result.kind, expected)
  }
  assert.equal((await refreshedWith({ refresh_token: '' })).kind, 'unexpected')
})

test('the hint says which token it is', async () => {
  for (const provider of [oidcProvider(), oauth2Provider()]) {
    await provider.revoke({ accessToken: 'a', refreshToken: 'r' })
    await provider.revoke({ accessToken: 'a' })
    const shown = server.requests.filter(({ kind }) => kind === 'revoke').map(({ parameters }) => parameters)
    assert.deepEqual(
      shown.map(({ token, token_type_hint }) => [token, token_type_hint]),
      [
        ['r', 'refresh_token'],
        ['a', 'access_token'],
      ],
    )
    server.forget()
  }
})

test('what a provider does not have is said, and nothing is asked', async () => {
  const provider = oauth2Provider({ deviceAuthorizationEndpoint: undefined, revocationEndpoint: undefined })
  assert.deepEqual(await provider.startDeviceLogin(), { why: 'it has no device flow' })
  assert.equal(await provider.revoke({ accessToken: 'a' }), 'it has no revocation endpoint')
  assert.equal(server.requests.length, 0)
})

test('a device login asks for the scopes and with the parameters of the settings', async () => {
  const parameters = { audience: 'https://api.example.test' }
  await startDevice(oidcProvider({ parameters }))
  assert.deepEqual(asked('device').parameters, {
    ...{ client_id: fallibleClientId, client_secret: 'the secret' },
    ...{ ...parameters, scope: 'openid offline_access' },
  })
  server.forget()
  await startDevice(oauth2Provider())
  assert.ok(!('scope' in asked('device').parameters))
})

test('a userinfo that fails at a poll of kind oauth2 is out of reach, or unexpected, and nobody is signed in', async () => {
  const provider = oauth2Provider()
  const poll = async () => {
    const { deviceCode, userCode } = await startDevice(provider)
    server.decide(userCode, 'approve')
    return provider.pollDeviceLogin(deviceCode, [])
  }
  server.fail('userinfo', refuse(503), 1)
  assert.equal(await retryAfterOf(poll()), 5)
  server.fail('userinfo', { kind: 'refuse', status: 403 }, 1)
  assert.deepEqual(await poll(), { kind: 'unexpected', why: 'userinfo answered 403' })
})
