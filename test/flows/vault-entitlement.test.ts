/**
 * Ops change who is entitled to the provider's tokens, while sessions go on that began before.
 *
 * Owns the change, as brokers that are started with one registry and then with another, on one table.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type FallibleProvider, startFallibleProvider } from '../support/fallible-provider.ts'
import { newShared, type Shared } from './support/broker.ts'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { refresh } from './support/endpoints.ts'
import { expectRefusal, refreshed } from './support/expect.ts'
import type { FaultProxy } from './support/fault-proxy.ts'
import { code } from './support/flows.ts'
import { registryFile } from './support/registry.ts'
import { startFaultyStore } from './support/store.ts'
import { addVaulted, agent, exchangeToken, host, wholeTable, worker } from './support/vault.ts'

let provider: FallibleProvider
let store: FaultProxy
let shared: Shared
before(async () => {
  provider = await startFallibleProvider()
  store = await startFaultyStore()
  shared = await newShared()
})
after(async () => {
  await store.stop()
  await provider.stop()
})

const entitled = () => registryFile((copy) => addVaulted(copy, provider))
const nobodyEntitled = () =>
  registryFile((copy) => {
    addVaulted(copy, provider)
    for (const name of ['agent', 'graced', 'device']) copy.client('vaulted', name).accessToken = 'broker'
    copy.client('vaulted', 'worker').exchangesFor = []
  })

/** For as long as that registry is the one in force. */
async function under(registry: string, use: (broker: BrokerHere) => Promise<void>): Promise<void> {
  const broker = await startBrokerHere({ dynamodb: store.endpoint, shared, registry })
  try {
    await use(broker)
  } finally {
    await broker.stop()
  }
}

test('a session that began before anybody was entitled has no tokens to give, and goes on for whoever is given ours', async () => {
  let [own, hosts] = ['', '']
  await under(nobodyEntitled(), async (broker) => {
    own = (await code(broker, agent)).refreshToken
    hosts = (await code(broker, host)).refreshToken
    const kept = (await wholeTable(store.endpoint)).filter(({ sk }) => sk?.S?.startsWith('provider#'))
    assert.deepEqual(kept, [], 'what nobody is entitled to is not kept')
  })
  provider.forget()
  await under(entitled(), async (broker) => {
    for (const _ of [1, 2]) expectRefusal(await refresh(broker, agent, own), 400, 'invalid_grant')
    assert.match(broker.output(), /"event":"request".*"client_id":"agent".*"reason":"no vault"/)
    const next = await refreshed(broker, host, hosts)
    expectRefusal(await exchangeToken(broker, worker, next.accessToken), 400, 'invalid_grant')
    await refreshed(broker, host, next.refreshToken)
    assert.deepEqual(provider.requests, [])
  })
  await under(nobodyEntitled(), async (broker) => {
    const next = await refreshed(broker, agent, own)
    assert.ok(!provider.accessTokens().includes(next.accessToken))
  })
})
