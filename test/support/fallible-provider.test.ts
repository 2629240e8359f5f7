/**
 * The provider that fails when it is told to: right where nobody told it anything, as an unmodified client and the broker
 * see it, and wrong in just the way that was asked for.
 */

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { type BrokerProcess, startBroker } from '../flows/support/broker.ts'
import { type Caller, cli } from '../flows/support/callers.ts'
import { deviceGrant } from '../flows/support/endpoints.ts'
import { claimsOf } from '../flows/support/expect.ts'
import { device } from '../flows/support/flows.ts'
import { registryFile } from '../flows/support/registry.ts'
import { get } from '../flows/support/wire.ts'
import * as fallible from './fallible-provider.ts'

const redirectUri = 'http://127.0.0.1:9999/cb'
const wide = 'openid email offline_access'

let provider: fallible.FallibleProvider
let configuration: client.Configuration
before(async () => {
  provider = await fallible.startFallibleProvider()
  const options = { execute: [client.allowInsecureRequests], timeout: 1 }
  const { fallibleClientId: id } = fallible
  configuration = await client.discovery(new URL(provider.issuer), id, undefined, client.ClientSecretPost('s'), options)
})
afterEach(() => {
  provider.heal()
  provider.forget()
})
after(() => provider.stop())

async function signIn() {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const url = client.buildAuthorizationUrl(configuration, {
    ...{ redirect_uri: redirectUri, scope: wide, state, nonce },
    ...{ code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
  })
  const { status, headers } = await get(url)
  assert.equal(status, 302)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return client.authorizationCodeGrant(configuration, new URL(headers.location ?? ''), checks)
}

const refresh = (token = '') => client.refreshTokenGrant(configuration, token)

/** The `error` of a refusal, the status of what is none, or the reason why there was no answer. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => assert.fail('it worked'),
    (reason: unknown) => reason as client.ClientError,
  )
  if (error instanceof client.ResponseBodyError) return error.error
  const { cause } = error
  if (cause instanceof Response) return cause.status
  const { name, code } = (cause ?? error) as { name: string; code?: unknown }
  return name === 'TimeoutError' ? name : (code ?? error.code)
}

describe('untold', () => {
  test('it signs people in, and its refresh tokens rotate; a used one kills the grant', async () => {
    const first = await signIn()
    assert.equal(first.claims()?.sub, 'ada')
    assert.equal(first.expires_in, 300)
    const second = await refresh(first.refresh_token)
    assert.deepEqual(provider.usedRefreshTokens(), [first.refresh_token])
    assert.deepEqual(provider.liveRefreshTokens(), [second.refresh_token])
    assert.equal(await failureOf(refresh(first.refresh_token)), 'invalid_grant')
    assert.equal(await failureOf(refresh(second.refresh_token)), 'invalid_grant')
    assert.deepEqual(provider.liveRefreshTokens(), [])
    assert.deepEqual([provider.count('authorize'), provider.count('code'), provider.count('refresh')], [1, 1, 3])
    assert.deepEqual(provider.requests.map(({ outcome }) => outcome).slice(-3), [
      'answered',
      'invalid_grant',
      'invalid_grant',
    ])
  })

  test('an authorization code is good once, for its redirect URI and verifier', async () => {
    await signIn()
    const { parameters } = provider.requests.find(({ kind }) => kind === 'code')!
    const body = new URLSearchParams(parameters)
    const answer = await fetch(`${provider.issuer}/token`, { method: 'POST', body })
    assert.deepEqual([answer.status, await answer.json()], [400, { error: 'invalid_grant' }])
  })

  test('userinfo knows the holder of an access token until its grant is revoked', async () => {
    const { access_token: token, refresh_token: refreshToken = '' } = await signIn()
    assert.equal((await client.fetchUserInfo(configuration, token, 'ada')).email, 'ada@example.test')
    await client.tokenRevocation(configuration, refreshToken)
    await assert.rejects(client.fetchUserInfo(configuration, token, 'ada'))
    assert.deepEqual([provider.count('revoke'), provider.count('userinfo')], [1, 2])
  })

  test('a device waits for the person, and one that polls too fast is told so', async () => {
    const started = await client.initiateDeviceAuthorization(configuration, { scope: wide })
    const poll = (code = started.device_code) =>
      client.genericGrantRequest(configuration, deviceGrant, { device_code: code })
    assert.equal(await failureOf(poll()), 'authorization_pending')
    assert.equal(await failureOf(poll()), 'slow_down')
    provider.behaviour.enforcesInterval = false
    provider.decide(started.user_code, 'approve')
    assert.ok((await poll()).refresh_token)
    assert.equal(await failureOf(poll()), 'invalid_grant')
    const denied = await client.initiateDeviceAuthorization(configuration, {})
    provider.decide(denied.user_code, 'deny')
    assert.equal(await failureOf(poll(denied.device_code)), 'access_denied')
  })

  test('everyone but the broker is an unknown client', async () => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'other' })
    assert.equal((await fetch(`${provider.issuer}/token`, { method: 'POST', body })).status, 401)
  })
})

describe('told to fail', () => {
  const unspent: Readonly<Record<string, [fallible.Fault, unknown]>> = {
    'a 500': [fallible.serverError, 500],
    'a 503': [fallible.unavailable, 503],
    'a 429': [fallible.tooManyRequests, 429],
    invalid_grant: [fallible.invalidGrant, 'invalid_grant'],
    'a reset connection': [{ kind: 'hang-up' }, 'ECONNRESET'],
    'no answer': [{ kind: 'ignore' }, 'TimeoutError'],
  }
  for (const [name, [fault, seen]] of Object.entries(unspent)) {
    test(`${name} leaves the refresh token unspent, once`, async () => {
      const { refresh_token: token } = await signIn()
      provider.fail('refresh', fault, 1)
      assert.equal(await failureOf(refresh(token)), seen)
      assert.deepEqual(provider.liveRefreshTokens().slice(-1), [token])
      assert.ok((await refresh(token)).refresh_token)
    })
  }

  const spent: Readonly<Record<string, [fallible.Fault, unknown]>> = {
    'a lost answer': [{ kind: 'lose-answer' }, 'ECONNRESET'],
    'an answer that never comes': [{ kind: 'keep-silent' }, 'TimeoutError'],
    'malformed JSON': [{ kind: 'malformed' }, 'OAUTH_PARSE_ERROR'],
  }
  for (const [name, [fault, seen]] of Object.entries(spent)) {
    test(`${name} has spent it`, async () => {
      const { refresh_token: token } = await signIn()
      provider.fail('refresh', fault, 1)
      assert.equal(await failureOf(refresh(token)), seen)
      assert.deepEqual(provider.usedRefreshTokens().slice(-1), [token])
    })
  }

  test('members change, a slow answer comes, and faults of one kind queue up', async () => {
    const { refresh_token: token } = await signIn()
    provider.fail('refresh', fallible.serverError, 2)
    provider.fail('refresh', fallible.withoutExpiry, 1)
    provider.fail('refresh', { kind: 'delay', ms: 1 }, 1)
    assert.deepEqual([await failureOf(refresh(token)), await failureOf(refresh(token))], [500, 500])
    const second = await refresh(token)
    assert.equal(second.expires_in, undefined)
    assert.equal((await refresh(second.refresh_token)).expires_in, 300)
    const outcomes = provider.requests.filter(({ kind }) => kind === 'refresh').map(({ outcome }) => outcome)
    assert.deepEqual(outcomes, ['refuse', 'refuse', 'change', 'delay'])
  })

  test('an answer that is held comes when it is let go, and everything has happened before', async () => {
    const { refresh_token: token } = await signIn()
    const held = provider.hold('refresh')
    const answer = refresh(token)
    await Promise.all([held.reached, provider.asked('refresh', 1)])
    assert.deepEqual(provider.usedRefreshTokens().slice(-1), [token])
    held.release()
    assert.ok((await answer).refresh_token)
  })

  test('refresh tokens that do not rotate, none at all, and Auth0’s statuses, as behaviour', async () => {
    provider.behaviour.rotates = false
    const { refresh_token: token } = await signIn()
    for (let time = 0; time < 2; time += 1) assert.equal((await refresh(token)).refresh_token, undefined)
    provider.behaviour.givesRefreshTokens = false
    assert.equal((await signIn()).refresh_token, undefined)
    provider.behaviour.errorProfile = 'auth0'
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'broker' })
    assert.equal((await fetch(`${provider.issuer}/token`, { method: 'POST', body })).status, 403)
  })
})

describe('as the broker’s provider', () => {
  let broker: BrokerProcess
  before(async () => {
    const registry = registryFile(({ application }) => {
      application('demo').provider = provider.registration('oidc')
      application('auth0like').provider = provider.registration('oauth2')
    })
    broker = await startBroker({ registry })
  })
  after(() => broker.stop())

  for (const [kind, application] of [
    ['oidc', 'demo'],
    ['oauth2', 'auth0like'],
  ] as const) {
    test(`of kind ${kind} it signs people in`, async () => {
      const caller: Caller = { ...cli, application }
      const { accessToken } = await device(broker, caller)
      assert.equal(claimsOf(accessToken).sub, 'ada')
      assert.deepEqual([provider.count('authorize'), provider.count('code')], [1, 1])
    })
  }
})
