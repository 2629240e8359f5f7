/**
 * B1, B2, B4 to B10 and B12 of the cases: the provider's tokens, kept for whoever is entitled to them, and fetched anew by
 * one for all.
 *
 * Owns what happens while every broker lives; who dies in the middle is vault-crashes.test.ts.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { newShared, startBroker } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { refresh } from '../flows/support/endpoints.ts'
import { expectRefusal, expectTokens, expectUnavailable, refreshed } from '../flows/support/expect.ts'
import type { FaultProxy } from '../flows/support/fault-proxy.ts'
import { code } from '../flows/support/flows.ts'
import { registryFile } from '../flows/support/registry.ts'
import { startFaultyStore } from '../flows/support/store.ts'
import {
  addVaulted,
  agent,
  endLeases,
  exchangeToken,
  expireAll,
  graced,
  host,
  staleSession,
  wholeTable,
  worker,
} from '../flows/support/vault.ts'
import {
  type FallibleProvider,
  type Fault,
  serverError,
  startFallibleProvider,
  tooManyRequests,
  unavailable,
  withoutExpiry,
} from '../support/fallible-provider.ts'

let provider: FallibleProvider
let store: FaultProxy
let one: BrokerHere
let other: BrokerHere
before(async () => {
  provider = await startFallibleProvider()
  store = await startFaultyStore()
  const shared = await newShared()
  const registry = registryFile((copy) => addVaulted(copy, provider))
  const settings = { dynamodb: store.endpoint, shared, registry }
  one = await startBrokerHere(settings)
  other = await startBroker(settings)
})
afterEach(() => {
  provider.heal()
  provider.forget()
  store.heal()
})
after(async () => {
  await one.stop()
  await other.stop()
  await store.stop()
  await provider.stop()
})

const stale = (caller = agent) => staleSession({ provider, store, broker: one }, caller)

const at = (index: number) => (index % 2 === 0 ? one : other)
const newest = <Item>(items: readonly Item[]) => items.at(-1)

describe('a client that is given the provider’s access token', () => {
  test('gets it from exchange and refresh, with how long it lasts, and our single-use refresh token', async () => {
    const session = await code(one, agent)
    assert.equal(session.accessToken, newest(provider.accessTokens()))
    assert.ok(Number(session.body.expires_in) > 290 && Number(session.body.expires_in) <= 300)
    assert.ok(session.refreshToken.startsWith('rt_'))
    assert.notEqual(session.idToken, '')
    assert.equal(session.body.scope, 'openid profile email offline_access', 'of the provider’s token, as it says')
    const next = await refreshed(one, agent, session.refreshToken)
    assert.equal(next.accessToken, session.accessToken, 'good for a while yet')
    assert.equal(provider.count('refresh'), 0)
    expectRefusal(await refresh(one, agent, session.refreshToken), 400, 'invalid_grant')
    expectRefusal(await refresh(one, agent, next.refreshToken), 400, 'invalid_grant')
  })

  test('is told the scope that the provider says it carries; where it says nothing at a refresh, it is the same', async () => {
    provider.behaviour.scope = 'contacts:read'
    const session = await stale()
    assert.equal(session.body.scope, 'contacts:read')
    provider.behaviour.scope = ''
    const second = await refreshed(one, agent, session.refreshToken)
    assert.notEqual(second.accessToken, session.accessToken)
    assert.equal(second.body.scope, 'contacts:read')
    await expireAll(store.endpoint)
    provider.behaviour.scope = 'contacts:read contacts:write'
    assert.equal((await refreshed(one, agent, second.refreshToken)).body.scope, 'contacts:read contacts:write')
  })

  test('is told the scopes that were asked for, where the provider never says', async () => {
    provider.behaviour.scope = ''
    assert.equal((await code(one, agent)).body.scope, 'openid profile email offline_access')
  })

  test('cannot have it narrowed: it comes with what it has, or not at all', async () => {
    const { refreshToken } = await code(one, agent)
    expectRefusal(await refresh(one, agent, refreshToken, { scope: 'openid' }), 400, 'invalid_scope')
    expectRefusal(await refresh(one, agent, refreshToken, { scope: 'openid admin' }), 400, 'invalid_scope')
    await refreshed(one, agent, refreshToken)
  })

  test('a refresh is one read and one write while the token is fresh', async () => {
    const session = await code(one, agent)
    const { refreshToken } = await refreshed(one, agent, session.refreshToken)
    store.forget()
    await refreshed(one, agent, refreshToken)
    assert.deepEqual(store.counts(), { Query: 1, UpdateItem: 1 })
  })

  test('R4 a refused credential costs the provider nothing', async () => {
    const { refreshToken } = await stale()
    expectRefusal(await refresh(one, graced, refreshToken), 400, 'invalid_grant')
    expectRefusal(await refresh(one, agent, mistyped(refreshToken)), 400, 'invalid_grant')
    assert.equal(provider.count('refresh'), 0)
    await refreshed(one, agent, refreshToken)
  })
})

/** With another last character. */
function mistyped(token: string): string {
  return `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
}

test('B1 twenty parallel callers in two processes, and the provider sees one refresh', async () => {
  const session = await stale(graced)
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => refresh(at(index), graced, session.refreshToken)),
  )
  const tokens = answers.map(expectTokens)
  assert.equal(provider.count('refresh'), 1)
  assert.deepEqual(new Set(tokens.map(({ accessToken }) => accessToken)), new Set([newest(provider.accessTokens())]))
  assert.equal(new Set(tokens.map(({ refreshToken }) => refreshToken)).size, 1, 'one successor')
})

describe('B4 the provider is out of reach', () => {
  const faults: Readonly<Record<string, Fault>> = {
    'an error of its own': serverError,
    'no answer in time': { kind: 'ignore' },
    'a connection that breaks off': { kind: 'hang-up' },
    'too many requests': tooManyRequests,
    'an answer that is no JSON': { kind: 'malformed' },
  }
  for (const [name, fault] of Object.entries(faults)) {
    test(`${name} is 503 with Retry-After, and what the caller holds is unspent`, async () => {
      // Told of, not done: the provider's refresh token is as good as before.
      provider.behaviour.reuseKills = false
      provider.behaviour.rotates = fault.kind !== 'malformed'
      const session = await stale()
      provider.fail('refresh', fault, 1)
      const refused = await refresh(one, agent, session.refreshToken)
      expectUnavailable(refused)
      provider.behaviour.rotates = true
      // As if its time to be left in peace were over.
      await expireAll(store.endpoint)
      const next = await refreshed(one, agent, session.refreshToken)
      assert.equal(next.accessToken, newest(provider.accessTokens()))
    })
  }

  test('a token that is good for some seconds yet is handed out meanwhile', async () => {
    provider.behaviour.accessTokenSeconds = 30
    const session = await code(one, agent)
    // A fifth of its lifetime before its end fresh ones are fetched.
    provider.fail('refresh', unavailable)
    const again = await refreshed(one, agent, session.refreshToken)
    assert.equal(again.accessToken, session.accessToken)
  })
})

test('B5 the provider refuses for good: the session is dead at once, audited once, and nobody asks again', async () => {
  const session = await stale(graced)
  for (const token of provider.liveRefreshTokens()) provider.end(token)
  const before = one.output().length + other.output().length
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => refresh(at(index), graced, session.refreshToken)),
  )
  for (const answer of answers) expectRefusal(answer, 400, 'invalid_grant')
  assert.equal(provider.count('refresh'), 1)
  expectRefusal(await refresh(one, graced, session.refreshToken), 400, 'invalid_grant')
  assert.equal(provider.count('refresh'), 1)
  const log = `${one.output()}${other.output()}`
  assert.ok(log.length > before)
  const ends = log
    .split('\n')
    .filter((line) => line.includes('"session.revoked"') && line.includes('"reason":"provider"'))
  assert.equal(ends.length, 1)
})

test('B7 a refresh without a new refresh token keeps the old one; B9 and the next refresh works too', async () => {
  provider.behaviour.rotates = false
  let { refreshToken } = await stale()
  for (let round = 1; round <= 3; round++) {
    const next = await refreshed(at(round), agent, refreshToken)
    assert.equal(next.accessToken, newest(provider.accessTokens()))
    assert.equal(provider.count('refresh'), round)
    refreshToken = next.refreshToken
    await expireAll(store.endpoint)
  }
})

test('B8 without expires_in there is a default, and fresh tokens are fetched all the same', async () => {
  provider.fail('code', withoutExpiry, 1)
  const session = await code(one, agent)
  assert.ok(Number(session.body.expires_in) > 290 && Number(session.body.expires_in) <= 300)
  const next = await refreshed(one, agent, session.refreshToken)
  assert.equal(next.accessToken, session.accessToken)
})

test('B9 the second refresh works too, where the provider rotates', async () => {
  let { refreshToken } = await stale()
  for (let round = 1; round <= 4; round++) {
    const next = await refreshed(at(round), agent, refreshToken)
    assert.equal(next.accessToken, newest(provider.accessTokens()))
    refreshToken = next.refreshToken
    await expireAll(store.endpoint)
  }
  assert.equal(provider.count('refresh'), 4)
})

test('B10 a provider that fails again and again is left in peace, for longer each time', async () => {
  const session = await stale()
  provider.fail('refresh', serverError)
  const waits: number[] = []
  for (let asked = 0; asked < 10; asked++) {
    const answer = await refresh(at(asked), agent, session.refreshToken)
    expectUnavailable(answer)
    waits.push(Number(answer.headers['retry-after']))
  }
  assert.equal(provider.count('refresh'), 1, 'the rest were answered by what the first had found')
  assert.ok(
    waits.every((wait) => wait >= 1 && wait <= 60),
    String(waits),
  )
})

test('B12 no answer, log line or table item holds a secret, code or refresh token of the provider', async () => {
  const session = await stale(graced)
  await refreshed(one, graced, session.refreshToken)
  const hosted = await code(one, host)
  assert.equal((await exchangeToken(one, worker, hosted.accessToken)).status, 200)
  const secrets = provider.secrets()
  assert.ok(secrets.length > 5)
  const table = JSON.stringify(await wholeTable(store.endpoint))
  assert.ok(table.includes('provider#'))
  for (const secret of [...secrets, ...provider.accessTokens()]) {
    assert.ok(!table.includes(secret), 'the table')
    assert.ok(!one.output().includes(secret) && !other.output().includes(secret), 'the log')
  }
  const answers = JSON.stringify([session.body, hosted.body])
  for (const secret of secrets) assert.ok(!answers.includes(secret), 'an answer')
})

test('B6 a refusal that comes while a newer token is stored already changes nothing: the newer one is used', async () => {
  const session = await stale(graced)
  // The first one's request is so long on its way that its lease is over; the next one fetches meanwhile.
  provider.behaviour.reuseKills = false
  const held = provider.holdBack('refresh')
  const first = refresh(one, graced, session.refreshToken)
  await held.reached
  await endLeases(store.endpoint)
  const second = await refreshed(other, graced, session.refreshToken)
  held.release()
  const late = expectTokens(await first)
  assert.deepEqual([late.accessToken, late.refreshToken], [second.accessToken, second.refreshToken])
})

test('B2 tokens that come too late are not written over newer ones, and nobody is given them', async () => {
  const session = await stale(graced)
  provider.behaviour.rotates = false
  const held = provider.hold('refresh')
  const first = refresh(one, graced, session.refreshToken)
  await held.reached
  await endLeases(store.endpoint)
  const second = await refreshed(other, graced, session.refreshToken)
  held.release()
  assert.equal(expectTokens(await first).accessToken, second.accessToken)
  assert.equal((await refreshed(one, graced, second.refreshToken)).accessToken, second.accessToken)
  assert.equal(provider.count('refresh'), 2)
})
