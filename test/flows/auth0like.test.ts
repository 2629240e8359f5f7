/**
 * W1 to W25 of the requirements: a client written after the device flow page of a service that stands on Auth0, unmodified,
 * against the application whose errors are Auth0's.
 *
 * Owns the server's side of that page. The client's side is in test/providers/tenant.test.ts; where the broker answers
 * otherwise than Auth0 does, and why, is in docs/cases.md.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { auth0Cli, type Caller } from './support/callers.ts'
import { deviceGrant, endpoint, fullScope, issuer, poll, refresh, revoke, startDevice } from './support/endpoints.ts'
import { claimsOf, expectRefusal, expectTokens, expectUncachedJson, refreshed, string } from './support/expect.ts'
import { decide, device, deviceCode } from './support/flows.ts'
import { Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import { type Answer, get, postJson, postRaw } from './support/wire.ts'

const leeway: Caller = { ...auth0Cli, clientId: 'leeway' }
const brief: Caller = { ...auth0Cli, clientId: 'brief' }
const other: Caller = { ...auth0Cli, clientId: 'other' }
const audience = 'https://api.example.test'

let broker: TimedBroker
before(async () => {
  const registry = registryFile(({ client, addClient }) => {
    const row = client('auth0like', 'cli')
    addClient('auth0like', { ...row, clientId: leeway.clientId, graceSeconds: 10 })
    addClient('auth0like', { ...row, clientId: brief.clientId, idleSeconds: 60, absoluteSeconds: 150 })
    addClient('auth0like', { ...row, clientId: other.clientId, audiences: [audience, 'https://other.example.test'] })
  })
  broker = await startTimedBroker(registry)
})
beforeEach(() => broker.freeze())
after(() => broker.stop())

/** As the page's requests are: a form put together by hand, values unencoded but for what the page encodes. */
function literally(url: unknown, body: string): Promise<Answer> {
  return postRaw(String(url), body, { 'content-type': 'application/x-www-form-urlencoded' })
}

async function discovered(): Promise<Answer['body']> {
  const url = `${issuer(broker, 'auth0like')}/.well-known/openid-configuration`
  const answer = await get(url, { accept: 'application/json' })
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.headers['content-type'] ?? '', /^application\/json(;|$)/)
  return answer.body
}

test('W1 W3 W5 W6 W9 W13 W16 W22 the requests of the page, sent literally, lead from discovery to logout', async () => {
  const { device_authorization_endpoint, token_endpoint, revocation_endpoint } = await discovered()
  const scope = 'openid+email+offline_access'
  const encoded = 'https%3A%2F%2Fapi.example.test'
  const { body } = await literally(device_authorization_endpoint, `client_id=cli&audience=${encoded}&scope=${scope}`)
  const asked = `client_id=cli&device_code=${body.device_code}&grant_type=${deviceGrant}`
  const pending = await literally(token_endpoint, asked)
  assert.deepEqual([pending.status, pending.body.error], [403, 'authorization_pending'])
  const complete = string(body, 'verification_uri_complete')
  await decide({ deviceCode: '', userCode: '', verificationUri: '', verificationUriComplete: complete }, 'approve')
  broker.advance(5)
  const first = expectTokens(await literally(token_endpoint, asked))
  assert.ok(first.refreshToken !== '' && first.idToken !== '')
  const form = `client_id=cli&refresh_token=${first.refreshToken}&grant_type=refresh_token`
  const next = expectTokens(await literally(token_endpoint, form))
  assert.equal((await literally(revocation_endpoint, `client_id=cli&token=${next.refreshToken}`)).status, 200)
  expectRefusal(await refresh(broker, auth0Cli, next.refreshToken), 403, 'invalid_grant')
})

describe('discovery and requests', () => {
  test('W1 W2 the metadata is at the issuer, and its URLs are absolute', async () => {
    const metadata = await discovered()
    assert.equal(metadata.issuer, issuer(broker, 'auth0like'))
    for (const name of ['token_endpoint', 'device_authorization_endpoint', 'revocation_endpoint']) {
      assert.ok(string(metadata, name).startsWith(`${issuer(broker, 'auth0like')}/`))
    }
  })

  test('W3 the client_id in the body is enough, and a secret is one too many', async () => {
    const { status } = await startDevice(broker, auth0Cli)
    assert.equal(status, 200)
    expectRefusal(await startDevice(broker, auth0Cli, { client_secret: 'x' }), 401, 'invalid_client')
  })

  test('W5 parameters may come in any order, and unknown ones are ignored', async () => {
    const url = endpoint(broker, 'auth0like', 'device_authorization')
    for (const body of ['scope=openid&client_id=cli', 'client_id=cli&nothing=1&scope=openid+email']) {
      assert.equal((await literally(url, body)).status, 200)
    }
  })

  test('W7 W25 a device is given all six members, whole numbers where they are, and nobody may keep them', async () => {
    const answer = await startDevice(broker, auth0Cli)
    expectUncachedJson(answer)
    const { device_code: _code, user_code: userCode, ...rest } = answer.body
    const { verification_uri: uri, verification_uri_complete: complete, ...numbers } = rest
    assert.deepEqual(numbers, { expires_in: 900, interval: 5 })
    const { origin, pathname, searchParams } = new URL(String(complete))
    assert.deepEqual([origin + pathname, searchParams.get('user_code')], [uri, userCode])
  })

  test('W8 the user code is eight letters that are hard to mistake, and a page that has it still asks', async () => {
    const started = await deviceCode(broker, auth0Cli)
    assert.match(started.userCode, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    const page = await new Person().open(started.verificationUriComplete)
    assert.ok(page.text.includes(started.userCode))
    expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 403, 'authorization_pending')
  })
})

describe('polling', () => {
  test('W10 too fast is a 429, and never the end', async () => {
    const started = await deviceCode(broker, auth0Cli)
    expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 403, 'authorization_pending')
    for (let turn = 0; turn < 3; turn += 1) {
      expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 429, 'slow_down')
    }
    await decide(started, 'approve')
    broker.advance(30)
    expectTokens(await poll(broker, auth0Cli, started.deviceCode))
  })

  test('W11 an expired code and a refused one stay what they are, and never become pending again', async () => {
    const [late, denied] = [await deviceCode(broker, auth0Cli), await deviceCode(broker, auth0Cli)]
    await decide(denied, 'deny')
    for (let turn = 0; turn < 2; turn += 1) {
      expectRefusal(await poll(broker, auth0Cli, denied.deviceCode), 403, 'access_denied')
      broker.advance(6)
    }
    broker.advance(900)
    for (let turn = 0; turn < 2; turn += 1) {
      expectRefusal(await poll(broker, auth0Cli, late.deviceCode), 403, 'expired_token')
      broker.advance(6)
    }
  })

  test('W12 a device code is its client’s, and gives tokens once', async () => {
    const started = await deviceCode(broker, auth0Cli)
    await decide(started, 'approve')
    expectRefusal(await poll(broker, other, started.deviceCode), 403, 'invalid_grant')
    expectTokens(await poll(broker, auth0Cli, started.deviceCode))
    expectRefusal(await poll(broker, auth0Cli, started.deviceCode), 403, 'invalid_grant')
  })

  test('W9 a missing parameter and a wrong client have the statuses of the RFCs', async () => {
    expectRefusal(await poll(broker, auth0Cli, ''), 400, 'invalid_request')
    expectRefusal(await poll(broker, { ...auth0Cli, clientId: 'nobody' }, 'x'), 401, 'invalid_client')
  })
})

describe('tokens', () => {
  test('W4 W13 W14 audience and scope of the start are in the tokens, which no later request repeats', async () => {
    const audiences = 'https://other.example.test'
    const { body, accessToken, refreshToken } = await device(broker, other, { audience: audiences })
    assert.equal(body.token_type, 'Bearer')
    assert.equal(body.expires_in, 300)
    const next = await refreshed(broker, other, refreshToken)
    for (const token of [accessToken, next.accessToken]) {
      assert.deepEqual([claimsOf(token).aud, claimsOf(token).scope], [audiences, fullScope])
    }
  })

  test('W13 without openid there is no ID token, and without offline_access no refresh token', async () => {
    const without = async (scope: string) => {
      const { idToken, refreshToken } = await device(broker, auth0Cli, { scope })
      return [idToken !== '', refreshToken !== '']
    }
    assert.deepEqual(await without('openid'), [true, false])
    assert.deepEqual(await without('offline_access'), [false, true])
  })

  test('W15 an access token is a JWT that outlives its session, until it expires', async () => {
    const { accessToken, refreshToken } = await device(broker, auth0Cli)
    assert.equal((await revoke(broker, auth0Cli, refreshToken)).status, 200)
    const keys = createRemoteJWKSet(new URL(string(await discovered(), 'jwks_uri')))
    await jwtVerify(accessToken, keys, { issuer: issuer(broker, 'auth0like'), audience })
    const options = { currentDate: new Date(Date.now() + 301_000) }
    await assert.rejects(jwtVerify(accessToken, keys, options), { code: 'ERR_JWT_EXPIRED' })
  })
})

describe('refresh', () => {
  test('W16 W21 every refresh brings another refresh token, and no second ID token', async () => {
    const session = await device(broker, auth0Cli)
    const next = await refreshed(broker, auth0Cli, session.refreshToken)
    const last = await refreshed(broker, auth0Cli, next.refreshToken)
    assert.equal(new Set([session, next, last].map(({ refreshToken }) => refreshToken)).size, 3)
    assert.deepEqual([next.idToken, last.idToken], ['', ''])
  })

  test('W17 a used one ends the session with its newest token; an unknown string ends nothing', async () => {
    const { refreshToken: first } = await device(broker, auth0Cli)
    const { refreshToken: second } = await refreshed(broker, auth0Cli, first)
    expectRefusal(await refresh(broker, auth0Cli, 'unknown'), 403, 'invalid_grant')
    const { refreshToken: third } = await refreshed(broker, auth0Cli, second)
    expectRefusal(await refresh(broker, auth0Cli, first), 403, 'invalid_grant')
    expectRefusal(await refresh(broker, auth0Cli, third), 403, 'invalid_grant')
  })

  test('W18 in the leeway the last one before is good again, an older one is a breach', async () => {
    const { refreshToken: first } = await device(broker, leeway)
    const { refreshToken: second } = await refreshed(broker, leeway, first)
    broker.advance(9)
    assert.equal((await refreshed(broker, leeway, first)).refreshToken, second, 'the same successor, not a branch')
    const { refreshToken: third } = await refreshed(broker, leeway, second)
    expectRefusal(await refresh(broker, leeway, first), 403, 'invalid_grant')
    expectRefusal(await refresh(broker, leeway, third), 403, 'invalid_grant')
  })

  test('W18 without leeway, and after it, the last one before is a breach too', async () => {
    for (const [caller, seconds] of [
      [auth0Cli, 0],
      [leeway, 11],
    ] as const) {
      const { refreshToken: first } = await device(broker, caller)
      const { refreshToken: second } = await refreshed(broker, caller, first)
      broker.advance(seconds)
      expectRefusal(await refresh(broker, caller, first), 403, 'invalid_grant')
      expectRefusal(await refresh(broker, caller, second), 403, 'invalid_grant')
    }
  })

  test('W19 each refresh restarts the idle limit, and none moves the absolute one', async () => {
    const idle = await device(broker, brief)
    broker.advance(61)
    expectRefusal(await refresh(broker, brief, idle.refreshToken), 403, 'invalid_grant')

    let { refreshToken } = await device(broker, brief)
    for (let turn = 0; turn < 2; turn += 1) {
      broker.advance(59)
      refreshToken = (await refreshed(broker, brief, refreshToken)).refreshToken
    }
    broker.advance(33)
    expectRefusal(await refresh(broker, brief, refreshToken), 403, 'invalid_grant')
  })

  test('W20 scope narrows one access token, is never widened, and stays whole with the refresh token', async () => {
    const { refreshToken } = await device(broker, auth0Cli, { scope: 'openid email offline_access' })
    expectRefusal(await refresh(broker, auth0Cli, refreshToken, { scope: fullScope }), 400, 'invalid_scope')
    const narrow = expectTokens(await refresh(broker, auth0Cli, refreshToken, { scope: 'email' }))
    assert.equal(narrow.body.scope, 'email')
    const whole = await refreshed(broker, auth0Cli, narrow.refreshToken)
    assert.equal(claimsOf(whole.accessToken).scope, 'openid email offline_access')
  })
})

describe('revocation', () => {
  test('W22 is 200 for unknown, repeated and foreign tokens, which it leaves alone; no token is 400, no client 401', async () => {
    const { refreshToken } = await device(broker, auth0Cli)
    for (const [caller, token] of [
      [auth0Cli, 'unknown'],
      [other, refreshToken],
    ] as const) {
      assert.equal((await revoke(broker, caller, token)).status, 200)
    }
    const next = await refreshed(broker, auth0Cli, refreshToken)
    for (let turn = 0; turn < 2; turn += 1) {
      assert.equal((await revoke(broker, auth0Cli, next.refreshToken)).status, 200)
    }
    expectRefusal(await refresh(broker, auth0Cli, next.refreshToken), 403, 'invalid_grant')
    expectRefusal(await revoke(broker, auth0Cli, ''), 400, 'invalid_request')
    expectRefusal(await revoke(broker, { ...auth0Cli, clientId: 'nobody' }, 'x'), 401, 'invalid_client')
  })

  test('W23 ends the whole chain by any of its tokens, and no other sign-in of the person', async () => {
    const person = new Person()
    const [here, there] = [await device(broker, auth0Cli, {}, person), await device(broker, auth0Cli, {}, person)]
    const next = await refreshed(broker, auth0Cli, here.refreshToken)
    assert.equal((await revoke(broker, auth0Cli, here.refreshToken)).status, 200)
    expectRefusal(await refresh(broker, auth0Cli, next.refreshToken), 403, 'invalid_grant')
    await refreshed(broker, auth0Cli, there.refreshToken)
  })

  test('W24 takes JSON as well', async () => {
    const { refreshToken } = await device(broker, auth0Cli)
    const url = endpoint(broker, 'auth0like', 'revoke')
    assert.equal((await postJson(url, { client_id: 'cli', token: refreshToken })).status, 200)
    expectRefusal(await refresh(broker, auth0Cli, refreshToken), 403, 'invalid_grant')
  })
})

test('W25 no answer of the token endpoint may be kept, good or bad', async () => {
  const started = await deviceCode(broker, auth0Cli)
  expectUncachedJson(await poll(broker, auth0Cli, started.deviceCode))
  await decide(started, 'approve')
  broker.advance(6)
  expectUncachedJson(await poll(broker, auth0Cli, started.deviceCode))
})
