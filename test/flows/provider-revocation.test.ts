/**
 * B17 of the cases: the end of a session reaches the provider, where the application says so, and stands where it does not.
 */
import '../support/hasty-sweeps.ts'
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { handler as retryRevocations } from '../../functions/retry-revocations.ts'
import { contextOf } from '../../local/gateway/event.ts'
import type { Application } from '../../shared/domain/registration.ts'
import { processParts as composed } from '../../shared/parts.ts'
import { randomId } from '../../shared/random.ts'
import { storeTokens } from '../../shared/vault/stored-tokens.ts'
import {
  type FallibleProvider,
  fallibleClientId,
  serverError,
  startFallibleProvider,
} from '../support/fallible-provider.ts'
import { revoked } from '../support/families.ts'
import { aClient, anApplication, providerDefaults } from '../support/registry.ts'
import { deleteItem, familyAt, putFamily, putItem } from '../support/table.ts'
import { poll, refresh, revoke } from './support/endpoints.ts'
import { expectRefusal, expectTokens, refreshed } from './support/expect.ts'
import { code, decide, deviceCode, walk } from './support/flows.ts'
import { revokeMany } from './support/ops.ts'
import { Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import { addVaulted, agent, brief, device, host, wholeTable } from './support/vault.ts'

let provider: FallibleProvider
let broker: TimedBroker
before(async () => {
  provider = await startFallibleProvider()
  broker = await startTimedBroker(registryFile((copy) => addVaulted(copy, provider, { revokeTokens: true })))
})
afterEach(() => {
  provider.heal()
  provider.forget()
})
after(async () => {
  await broker.stop()
  await provider.stop()
})

const retry = () => retryRevocations({}, contextOf('retry-revocations'))
const vaults = async () => {
  const items = await wholeTable(String(process.env.AWS_ENDPOINT_URL_DYNAMODB))
  return items.filter(({ sk }) => sk?.S?.startsWith('provider#')).length
}

test('B17 a session that its client revokes ends at the provider, and its tokens leave the table', async () => {
  for (const caller of [agent, host]) {
    const before = await vaults()
    const { refreshToken } = await code(broker, caller)
    const there = provider.liveRefreshTokens().at(-1)
    assert.equal((await revoke(broker, caller, refreshToken)).status, 200)
    assert.equal(provider.count('revoke'), 1)
    assert.equal(provider.requests.at(-1)?.parameters.token, there)
    assert.ok(!provider.liveRefreshTokens().includes(there ?? ''))
    assert.equal(await vaults(), before)
    assert.deepEqual(await retry(), { told: 0, left: 0 })
    provider.forget()
  }
})

test('B17 a provider that fails changes nothing of the answer: ours stands, and it is tried again until it is told', async () => {
  const { refreshToken } = await code(broker, agent)
  provider.fail('revoke', serverError)
  assert.equal((await revoke(broker, agent, refreshToken)).status, 200)
  expectRefusal(await refresh(broker, agent, refreshToken), 400, 'invalid_grant')
  broker.advance(30)
  assert.deepEqual(await retry(), { told: 0, left: 1 })
  provider.heal()
  broker.advance(300)
  assert.deepEqual(await retry(), { told: 1, left: 0 })
  assert.equal(provider.liveRefreshTokens().length, 0)
  assert.deepEqual(await retry(), { told: 0, left: 0 })
})

test('B17 a reused token ends the session at the provider too', async () => {
  const { refreshToken } = await code(broker, agent)
  assert.equal((await refresh(broker, agent, refreshToken)).status, 200)
  expectRefusal(await refresh(broker, agent, refreshToken), 400, 'invalid_grant')
  assert.equal(provider.count('revoke'), 1)
  assert.equal(provider.liveRefreshTokens().length, 0)
})

test('B17 it is not tried for ever: after a week it is given up, and told', async () => {
  broker.freeze()
  const { refreshToken } = await code(broker, agent)
  provider.fail('revoke', serverError)
  await revoke(broker, agent, refreshToken)
  broker.advance(6 * 86_400)
  assert.deepEqual(await retry(), { told: 0, left: 1 })
  broker.advance(2 * 86_400)
  assert.deepEqual(await retry(), { told: 1, left: 0 })
  assert.deepEqual(await retry(), { told: 0, left: 0 })
})

test('A revocation stays due for a week.', async () => {
  broker.freeze()
  const { refreshToken } = await code(broker, brief)
  const there = provider.liveRefreshTokens().at(-1) ?? assert.fail()
  provider.fail('revoke', serverError)
  assert.equal((await revoke(broker, brief, refreshToken)).status, 200)
  const weekLaterSeconds = composed().now() / 1_000 + 7 * 86_400
  const items = await wholeTable(String(process.env.AWS_ENDPOINT_URL_DYNAMODB))
  const due = items.find(({ revocationDue }) => revocationDue !== undefined)
  const kept = items.filter(({ pk }) => pk?.S === due?.pk?.S)
  assert.deepEqual(kept.map(({ sk }) => sk?.S?.replace(/#.*/, '')).sort(), ['family', 'provider'])
  // DynamoDB deletes an item some time after `expires`.
  for (const { expires } of kept) assert.ok(Number(expires?.N) > weekLaterSeconds)
  broker.advance(7 * 86_400 - 1)
  provider.heal()
  assert.deepEqual(await retry(), { told: 1, left: 0 })
  assert.ok(!provider.liveRefreshTokens().includes(there))
})

/** A device that two people approve, the one that is late while the other one has been at the provider as well. */
async function twiceApproved(late: string) {
  const started = await deviceCode(broker, device)
  const slow = new Person()
  const halt = (url: URL) => url.origin === provider.issuer
  const away = await walk(slow, await slow.open(started.verificationUriComplete), { decision: 'approve', halt })
  await decide(started, 'approve')
  const first = provider.liveRefreshTokens().at(-1) ?? assert.fail()
  provider.behaviour.person = late
  await slow.open(away.url)
  return { first, deviceCode: started.deviceCode }
}

test('B29 a sign-in that comes too late for its device ends at the provider', async () => {
  provider.forget()
  const { first, deviceCode } = await twiceApproved('eve')
  assert.equal(provider.count('code'), 2)
  assert.equal(provider.count('revoke'), 1)
  assert.notEqual(provider.requests.at(-1)?.parameters.token, first)
  assert.ok(provider.liveRefreshTokens().includes(first))
  expectTokens(await poll(broker, device, deviceCode))
})

test('B29 the same person who approves a device twice keeps the tokens at a provider that ends them all together', async () => {
  provider.forget()
  const { first } = await twiceApproved('ada')
  assert.deepEqual([provider.count('code'), provider.count('revoke')], [2, 0])
  assert.ok(provider.liveRefreshTokens().includes(first))
})

test('B17 an application that was removed leaves nothing to be looked at: told once, and given up', async () => {
  const { table } = composed()
  const removed = anApplication({ name: 'removed' })
  const sid = randomId()
  const tokens = { accessToken: 'an access token', refreshToken: 'a refresh token' }
  const vault = await storeTokens(composed(), removed, aClient({ keepsProviderTokens: true }), sid, tokens, 900)
  await putFamily(table, { ...revoked(), sid, application: 'removed', vault: vault!, revocationDue: 'provider' })
  const before = await vaults()
  assert.deepEqual(await retry(), { told: 1, left: 0 })
  assert.equal(await vaults(), before - 1)
  assert.deepEqual(await retry(), { told: 0, left: 0 })
  assert.equal(provider.count('revoke'), 0)
  const family = await familyAt(table, sid)
  assert.deepEqual([family?.state, family?.revocationDue], ['revoked', undefined])
})

/** Sessions that have ended here and not there, in their order. */
async function overdue(count: number): Promise<void> {
  provider.fail('revoke', serverError)
  for (let at = 0; at < count; at += 1) {
    const { refreshToken } = await code(broker, agent)
    assert.equal((await revoke(broker, agent, refreshToken)).status, 200)
  }
  broker.advance(30)
  provider.heal()
  provider.forget()
}

test('B17 tokens that the provider will not take do not stand in the way of the others', async () => {
  await overdue(7)
  provider.fail('revoke', { kind: 'refuse', status: 400, error: 'unsupported_token_type' }, 5)
  assert.deepEqual(await retry(), { told: 2, left: 5 })
  broker.advance(300)
  assert.deepEqual(await retry(), { told: 5, left: 0 })
})

test('B17 a provider that is out of reach is not asked again in the same run', async () => {
  await overdue(7)
  provider.fail('revoke', serverError)
  assert.deepEqual(await retry(), { told: 0, left: 7 })
  assert.equal(provider.count('revoke'), 5)
  provider.heal()
  broker.advance(300)
  assert.deepEqual(await retry(), { told: 7, left: 0 })
})

test("B28 a provider that refuses does not delay another's revocations", async (t) => {
  const other = await startFallibleProvider()
  t.after(() => other.stop())
  other.fail('revoke', { kind: 'refuse', status: 400, error: 'unsupported_token_type' })
  const sids = await dueAt(other, 'refusing', 30)
  await overdue(2)
  // Lambda ends the run when the other provider has refused so often.
  const remainingFor = (requests: number) => ({
    getRemainingTimeInMillis: () => (other.count('revoke') < requests ? 20_000 : 9_999),
  })
  assert.deepEqual(await retryRevocations({}, remainingFor(12)), { told: 2, left: 30 })
  assert.equal(provider.count('revoke'), 2)
  assert.ok(other.count('revoke') >= 12, 'the rest of the time is for the provider that refuses')
  // What was not asked for in the first run comes first in the second one.
  other.forget()
  assert.equal((await retryRevocations({}, remainingFor(18))).told, 0)
  const asked = other.count('revoke')
  other.forget()
  assert.deepEqual(await retry(), { told: 0, left: 0 }, 'nothing is due again so early')
  assert.ok(asked >= 14, String(asked))
  const families = await Promise.all(sids.map((sid) => familyAt(composed().table, sid)))
  assert.ok(families.every((family) => family?.revocationDue === 'provider 5'))
  await Promise.all(sids.map((sid) => deleteItem(composed().table, { pk: `family#${sid}`, sk: 'family' })))
})

/** Sessions of an application of another provider, which ended a moment ago, before all others. */
async function dueAt(other: FallibleProvider, name: string, count: number): Promise<readonly string[]> {
  const { table, now } = composed()
  const place = { kind: 'oidc', issuer: other.issuer, clientId: fallibleClientId, auth: 'none', scopes: [] } as const
  const application = anApplication({ name, provider: { ...providerDefaults, ...place, revokeTokens: true } })
  await putItem(table, { pk: `application#${name}`, sk: 'application', ...application })
  const client = aClient({ keepsProviderTokens: true })
  return Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const sid = randomId()
      const tokens = { accessToken: `access token ${at}`, refreshToken: `refresh token ${at}` }
      const vault = await storeTokens(composed(), application, client, sid, tokens, 900)
      const mark = { application: name, vault: vault!, revokedAt: now() - 1_000, revocationDue: 'provider' } as const
      await putFamily(table, { ...revoked(), sid, ...mark })
      return sid
    }),
  )
}

test('B17 an application that nothing can be asked for does not stand in the way of the others', async () => {
  const { table } = composed()
  const nowhere = { kind: 'oauth2', auth: 'none', clientId: 'broker', scopes: [], authorizationEndpoint: 'nowhere' }
  const provider = { ...providerDefaults, ...nowhere } as unknown as Application['provider']
  const broken = anApplication({ name: 'broken', provider })
  await putItem(table, { pk: 'application#broken', sk: 'application', ...broken })
  const sid = randomId()
  const tokens = { accessToken: 'an access token', refreshToken: 'a refresh token' }
  const vault = await storeTokens(composed(), broken, aClient({ keepsProviderTokens: true }), sid, tokens, 900)
  const mark = { application: 'broken', vault: vault!, revokedAt: 1, revocationDue: 'provider' } as const
  await putFamily(table, { ...revoked(), sid, ...mark })
  await overdue(7)
  assert.deepEqual(await retry(), { told: 7, left: 1 })
  await deleteItem(table, { pk: `family#${sid}`, sk: 'family' })
})

test('B17 a run whose time is almost over leaves the rest to the next one', async () => {
  await overdue(1)
  assert.deepEqual(await retryRevocations({}, { getRemainingTimeInMillis: () => 9_999 }), { told: 0, left: 0 })
  assert.equal(provider.count('revoke'), 0)
  assert.deepEqual(await retry(), { told: 1, left: 0 })
})

test('B17 all of a client ended at once: each is dead here, the provider hears of none, and what is kept expires', async () => {
  const [one, another, others] = [await code(broker, agent), await code(broker, agent), await code(broker, host)]
  const there = provider.liveRefreshTokens()
  const before = await vaults()
  broker.advance(1)
  const ended = await revokeMany(broker, 'vaulted', { client_id: agent.clientId })
  assert.equal(ended.status, 200, ended.text)
  // As long as a warm function goes by the registration that it has read.
  broker.advance(10)
  for (const { refreshToken } of [one, another]) {
    expectRefusal(await refresh(broker, agent, refreshToken), 400, 'invalid_grant')
  }
  await refreshed(broker, host, others.refreshToken)
  assert.deepEqual(await retry(), { told: 0, left: 0 })
  assert.equal(provider.count('revoke'), 0)
  assert.deepEqual(provider.liveRefreshTokens(), there)
  assert.equal(await vaults(), before)
  const items = await wholeTable(String(process.env.AWS_ENDPOINT_URL_DYNAMODB))
  for (const { sk, expires } of items) {
    if (sk?.S?.startsWith('provider#')) assert.ok(Number(expires?.N) > 0, 'DynamoDB cleans it up')
  }
})
