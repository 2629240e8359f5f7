/**
 * B2 and B3 of the cases: whoever fetches fresh tokens is killed in the middle.
 *
 * Owns kill -9, before the provider has answered and after. The lease of the dead is ended by hand: nobody waits for it.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type BrokerProcess, newShared, startBroker } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { refresh } from '../flows/support/endpoints.ts'
import { expectRefusal, expectUnavailable, refreshed } from '../flows/support/expect.ts'
import type { FaultProxy } from '../flows/support/fault-proxy.ts'
import { code } from '../flows/support/flows.ts'
import { registryFile } from '../flows/support/registry.ts'
import { startFaultyStore } from '../flows/support/store.ts'
import { addVaulted, agent, endLeases, expireAll } from '../flows/support/vault.ts'
import { type FallibleProvider, startFallibleProvider } from '../support/fallible-provider.ts'

let provider: FallibleProvider
let store: FaultProxy
let survivor: BrokerHere
let start: () => Promise<BrokerProcess>
before(async () => {
  provider = await startFallibleProvider()
  store = await startFaultyStore()
  const shared = await newShared()
  const registry = registryFile((copy) => addVaulted(copy, provider))
  const settings = { dynamodb: store.endpoint, shared, registry }
  survivor = await startBrokerHere(settings)
  start = () => startBroker(settings)
})
afterEach(() => {
  provider.heal()
  provider.forget()
})
after(async () => {
  await survivor.stop()
  await store.stop()
  await provider.stop()
})

/** A session whose fresh token is being fetched by a broker that dies while it waits for the provider's answer. */
async function killedWhileFetching(reached: () => Promise<void>) {
  const session = await code(survivor, agent)
  await expireAll(store.endpoint)
  provider.forget()
  const doomed = await start()
  const asked = refresh(doomed, agent, session.refreshToken).catch(() => 'cut off')
  await reached()
  await doomed.kill()
  assert.equal(await asked, 'cut off')
  return session
}

test('B2 the holder dies before the provider has acted: the next ones wait for its lease, and then take over', async () => {
  provider.fail('refresh', { kind: 'ignore' }, 1)
  const session = await killedWhileFetching(() => provider.asked('refresh', 1))
  expectUnavailable(await refresh(survivor, agent, session.refreshToken))
  assert.equal(provider.count('refresh'), 1, 'nobody asks while the lease lasts')
  await endLeases(store.endpoint)
  const next = await refreshed(survivor, agent, session.refreshToken)
  assert.equal(next.accessToken, provider.accessTokens().at(-1))
})

test('B3 it dies after the provider has rotated: a new sign-in is asked for, and ops hear of it', async () => {
  const held = provider.hold('refresh')
  const session = await killedWhileFetching(() => held.reached)
  held.release()
  await endLeases(store.endpoint)
  expectRefusal(await refresh(survivor, agent, session.refreshToken), 400, 'invalid_grant')
  expectRefusal(await refresh(survivor, agent, session.refreshToken), 400, 'invalid_grant')
  const told = survivor
    .output()
    .split('\n')
    .filter((line) => line.includes('"session.revoked"'))
  assert.equal(told.length, 1)
  assert.match(told[0] ?? '', /"level":"warn".*"reason":"provider"/)
  // Nobody was given what the provider had answered to the dead.
  assert.equal(provider.count('refresh'), 2)
})
