/**
 * B1, B5 and B13 of the cases for token exchange (RFC 8693): workers that share a session, and whoever is not entitled to.
 *
 * Owns the exchange; what is kept and fetched behind it is vault.test.ts.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { type FallibleProvider, startFallibleProvider } from '../support/fallible-provider.ts'
import { type BrokerProcess, startBroker } from './support/broker.ts'
import { refresh, revoke } from './support/endpoints.ts'
import { expectRefusal, expectTokens, refreshed } from './support/expect.ts'
import type { FaultProxy } from './support/fault-proxy.ts'
import { code } from './support/flows.ts'
import { registryFile } from './support/registry.ts'
import { startFaultyStore } from './support/store.ts'
import {
  accessTokenType,
  addVaulted,
  agent,
  exchangeToken,
  host,
  staleSession,
  stranger,
  wide,
  worker,
} from './support/vault.ts'
import type { Answer } from './support/wire.ts'

let provider: FallibleProvider
let store: FaultProxy
let one: BrokerProcess
before(async () => {
  provider = await startFallibleProvider()
  store = await startFaultyStore()
  // In a process of its own: fifty callers at once would keep this one too busy to answer as their provider and store.
  one = await startBroker({
    dynamodb: store.endpoint,
    registry: registryFile((copy) => addVaulted(copy, provider)),
  })
})
afterEach(() => {
  provider.heal()
  provider.forget()
})
after(async () => {
  await one.stop()
  await store.stop()
  await provider.stop()
})

const stale = (caller = agent) => staleSession({ provider, store, broker: one }, caller)

const newest = <Item>(items: readonly Item[]) => items.at(-1)

/** On a busy machine a worker may be told to come again. That costs it nothing. */
async function exchangedAtLast(subjectToken: string): Promise<Answer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await exchangeToken(one, worker, subjectToken)
    if (answer.status !== 503 || tries === 5) return answer
  }
}

test('B1 fifty workers of one session exchange its token, and the provider sees one refresh', async () => {
  const session = await stale(host)
  const answers = await Promise.all(Array.from({ length: 50 }, () => exchangedAtLast(session.accessToken)))
  for (const answer of answers) assert.equal(answer.status, 200, answer.text)
  assert.equal(provider.count('refresh'), 1)
  assert.deepEqual(new Set(answers.map(({ body }) => body.access_token)), new Set([newest(provider.accessTokens())]))
  assert.equal(newest(answers)?.body.issued_token_type, accessTokenType)
  assert.equal(newest(answers)?.body.refresh_token, undefined)
  await refreshed(one, host, session.refreshToken)
})

test('B5 the same for a worker that exchanges: its session is over, and so is the host’s', async () => {
  const session = await stale(host)
  for (const token of provider.liveRefreshTokens()) provider.end(token)
  expectRefusal(await exchangeToken(one, worker, session.accessToken), 400, 'invalid_grant')
  expectRefusal(await exchangeToken(one, worker, session.accessToken), 400, 'invalid_request')
  expectRefusal(await refresh(one, host, session.refreshToken), 400, 'invalid_grant')
  assert.equal(provider.count('refresh'), 1)
})

test('a worker that comes after the provider’s token has run out for good is refused, and its host goes on', async () => {
  provider.behaviour.givesRefreshTokens = false
  const session = await stale(host)
  for (const _ of [1, 2]) {
    expectRefusal(await exchangeToken(one, worker, session.accessToken), 400, 'invalid_grant')
  }
  await refreshed(one, host, session.refreshToken)
  assert.equal(provider.count('refresh'), 0)
  const own = await stale(agent)
  expectRefusal(await refresh(one, agent, own.refreshToken), 400, 'invalid_grant')
})

describe('B13 a caller without the right', () => {
  test('is refused with 403 before anything is read, locked or asked for', async () => {
    const session = await stale(host)
    await exchangeToken(one, stranger, session.accessToken)
    store.forget()
    expectRefusal(await exchangeToken(one, stranger, session.accessToken), 403, 'unauthorized_client')
    assert.deepEqual(store.counts(), {})
    assert.equal(provider.count('refresh'), 0)
  })

  test('nor may a client without the grant exchange its own', async () => {
    const { accessToken } = await code(one, host)
    expectRefusal(await exchangeToken(one, host, accessToken), 403, 'unauthorized_client')
  })
})

describe('token exchange', () => {
  // In the middle of the signature: its last character has bits that count for nothing.
  const tampered = (token: string) => `${token.slice(0, -10)}${token.at(-10) === 'A' ? 'B' : 'A'}${token.slice(-9)}`

  test('takes the access token of a live session of ours, and nothing else', async () => {
    const { accessToken, refreshToken, idToken } = await code(one, host)
    for (const wrong of ['x', refreshToken, idToken, tampered(accessToken)]) {
      expectRefusal(await exchangeToken(one, worker, wrong), 400, 'invalid_request')
    }
    assert.equal((await revoke(one, host, refreshToken)).status, 200)
    expectRefusal(await exchangeToken(one, worker, accessToken), 400, 'invalid_request')
  })

  test('hands the token out as it is: what cannot be done is said', async () => {
    const { accessToken } = await code(one, host)
    const refusals: readonly (readonly [object, string])[] = [
      [{ subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, 'invalid_request'],
      [{ subject_token_type: undefined }, 'invalid_request'],
      [{ requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, 'invalid_request'],
      [{ actor_token: 'x' }, 'invalid_request'],
      [{ audience: 'https://api.example.test' }, 'invalid_target'],
      [{ resource: 'https://api.example.test' }, 'invalid_target'],
      [{ scope: 'openid' }, 'invalid_scope'],
    ]
    for (const [extra, error] of refusals)
      expectRefusal(await exchangeToken(one, worker, accessToken, extra), 400, error)
    const jwt = { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', requested_token_type: accessTokenType }
    assert.equal((await exchangeToken(one, worker, accessToken, jwt)).status, 200)
  })

  test('gives nothing for a subject token that was narrowed, and the session goes on', async () => {
    const session = await code(one, host)
    const narrowed = expectTokens(await refresh(one, host, session.refreshToken, { scope: 'openid offline_access' }))
    expectRefusal(await exchangeToken(one, worker, narrowed.accessToken), 400, 'invalid_scope')
    const whole = await refreshed(one, host, narrowed.refreshToken)
    assert.equal((await exchangeToken(one, worker, whole.accessToken)).status, 200)
  })

  test('gives nothing for a subject token that is for fewer audiences than its session', async () => {
    const session = await code(one, wide, { audience: 'https://one.example', resource: 'https://two.example' })
    assert.equal((await exchangeToken(one, worker, session.accessToken)).status, 200)
    const extra = { resource: 'https://two.example' }
    const narrowed = expectTokens(await refresh(one, wide, session.refreshToken, extra))
    expectRefusal(await exchangeToken(one, worker, narrowed.accessToken), 400, 'invalid_target')
  })

  test('says which scopes the provider’s token carries, as far as the provider does', async () => {
    provider.behaviour.scope = 'contacts:read openid'
    const told = await code(one, host)
    assert.equal((await exchangeToken(one, worker, told.accessToken)).body.scope, 'contacts:read openid')
    provider.behaviour.scope = ''
    const untold = await code(one, host)
    const { body } = await exchangeToken(one, worker, untold.accessToken)
    assert.equal(body.scope, 'openid profile email offline_access', 'as it was asked for')
  })

  test('is one read while the token is fresh', async () => {
    const { accessToken } = await code(one, host)
    await exchangeToken(one, worker, accessToken)
    store.forget()
    assert.equal((await exchangeToken(one, worker, accessToken)).status, 200)
    assert.deepEqual(store.counts(), { Query: 1 })
  })
})
