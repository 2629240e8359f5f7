/**
 * What is lost when something between us and the provider is: its answer, its refresh token, our key, our way to the table.
 *
 * Owns the faults that a caller cannot wait for, and what ops are told of them; those that pass are vault.test.ts.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { retireLocalKeys } from '../../local/rotate-keys.ts'
import { newShared, type Shared } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { refresh } from '../flows/support/endpoints.ts'
import { expectRefusal, expectTokens, expectUnavailable, refreshed } from '../flows/support/expect.ts'
import { type FaultProxy, internalError } from '../flows/support/fault-proxy.ts'
import { code } from '../flows/support/flows.ts'
import { type MovedClock, movedClock } from '../flows/support/moved-clock.ts'
import { registryFile } from '../flows/support/registry.ts'
import { startFaultyStore } from '../flows/support/store.ts'
import { addVaulted, agent, endLeases, expireAll, graced, wholeTable } from '../flows/support/vault.ts'
import { type FallibleProvider, startFallibleProvider } from '../support/fallible-provider.ts'

let clock: MovedClock
let provider: FallibleProvider
let store: FaultProxy
let shared: Shared
let broker: BrokerHere
before(async () => {
  clock = movedClock()
  provider = await startFallibleProvider()
  store = await startFaultyStore()
  shared = await newShared()
  const registry = registryFile((copy) => addVaulted(copy, provider))
  // Leaves four seconds for more tries to store the provider's answer (test/vault/fresh-token.test.ts has more of those).
  const timeLimitMs = 14_000
  broker = await startBrokerHere({ dynamodb: store.endpoint, shared, registry, clock, timeLimitMs })
})
afterEach(() => {
  provider.heal()
  provider.forget()
  store.heal()
})
after(async () => {
  await broker.stop()
  await store.stop()
  await provider.stop()
})

async function stale(caller = agent) {
  const session = await code(broker, caller)
  await expireAll(store.endpoint)
  provider.forget()
  return session
}

const told = (event: string) =>
  broker
    .output()
    .split('\n')
    .filter((line) => line.includes(`"${event}"`))

test('another 4xx than invalid_grant is 503, told by its error, and nothing is spent', async () => {
  const session = await stale()
  provider.fail('refresh', { kind: 'refuse', status: 401, error: 'invalid_client' }, 1)
  expectUnavailable(await refresh(broker, agent, session.refreshToken))
  assert.match(told('provider.refresh_failed').at(-1) ?? '', /"reason":"invalid_client"/)
  await expireAll(store.endpoint)
  const next = await refreshed(broker, agent, session.refreshToken)
  assert.equal(next.accessToken, provider.accessTokens().at(-1))
})

/** A session for which the provider has given fresh tokens, and which the broker could not store. */
async function withoutTableAtTheAnswer() {
  const session = await stale()
  const held = provider.hold('refresh')
  const asked = refresh(broker, agent, session.refreshToken)
  await held.reached
  store.fail(internalError)
  held.release()
  expectUnavailable(await asked)
  store.heal()
  await endLeases(store.endpoint)
  return session
}

test('B3 the table is away from the rotation to the end of the call: 503, then a new sign-in, and never a wrong token', async () => {
  const session = await withoutTableAtTheAnswer()
  // The refresh token that is kept was used, and the provider takes that for a theft.
  expectRefusal(await refresh(broker, agent, session.refreshToken), 400, 'invalid_grant')
  assert.match(told('session.revoked').at(-1) ?? '', /"reason":"provider"/)
})

test('the table is away for the answer of a provider that does not rotate: 503, and the next one gets its token', async () => {
  provider.behaviour.rotates = false
  const session = await withoutTableAtTheAnswer()
  const next = await refreshed(broker, agent, session.refreshToken)
  assert.equal(next.accessToken, provider.accessTokens().at(-1))
})

test('R13 the grace begins with the rotation, however long the provider took before it', async () => {
  const session = await stale(graced)
  const held = provider.hold('refresh')
  const lost = refresh(broker, graced, session.refreshToken)
  await held.reached
  clock.advance(11)
  held.release()
  const { refreshToken } = expectTokens(await lost)
  const again = expectTokens(await refresh(broker, graced, session.refreshToken))
  assert.equal(again.refreshToken, refreshToken)
  // Who came in time is not late for having waited.
  clock.advance(8)
  await expireAll(store.endpoint)
  const heldAgain = provider.hold('refresh')
  const waiting = refresh(broker, graced, session.refreshToken)
  await heldAgain.reached
  clock.advance(4)
  heldAgain.release()
  assert.equal(expectTokens(await waiting).refreshToken, refreshToken)
  expectRefusal(await refresh(broker, graced, session.refreshToken), 400, 'invalid_grant')
  expectRefusal(await refresh(broker, graced, refreshToken), 400, 'invalid_grant')
})

test('a provider that gave no refresh token: when its access token is over, the person signs in again', async () => {
  provider.fail('code', { kind: 'change', members: { refresh_token: undefined } }, 1)
  const session = await code(broker, agent)
  const next = await refreshed(broker, agent, session.refreshToken)
  assert.equal(next.accessToken, session.accessToken)
  await expireAll(store.endpoint)
  provider.forget()
  expectRefusal(await refresh(broker, agent, next.refreshToken), 400, 'invalid_grant')
  assert.equal(provider.count('refresh'), 0)
})

test('the seal key is gone: what it sealed opens for nobody, and the person signs in again', async () => {
  const session = await code(broker, agent)
  const vaults = (await wholeTable(store.endpoint)).filter(({ sk }) => sk?.S?.startsWith('provider#'))
  const kids = new Set(vaults.flatMap(({ sealed }) => (sealed?.S ? [String(decodeProtectedHeader(sealed.S).kid)] : [])))
  await retireLocalKeys(shared.dataDir, [...kids], clock.nowMs())
  clock.advance(301)
  provider.forget()
  expectRefusal(await refresh(broker, agent, session.refreshToken), 400, 'invalid_grant')
  assert.equal(provider.count('refresh'), 0)
  const again = await code(broker, agent)
  assert.equal((await refreshed(broker, agent, again.refreshToken)).accessToken, again.accessToken)
})
