/**
 * The routes of ops while the store is away or loses answers: 503 with Retry-After, and nothing is told that is not so.
 *
 * Owns those faults at those routes; store-down.test.ts has them at the others.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { cli } from './support/callers.ts'
import { claimsOf, expectDead, expectUnavailable, refreshed } from './support/expect.ts'
import { type FaultProxy, internalError, throttling } from './support/fault-proxy.ts'
import { device } from './support/flows.ts'
import { list, revokeMany, revokeOne, show } from './support/ops.ts'
import { startFaultyStore } from './support/store.ts'

let store: FaultProxy
let broker: BrokerHere
before(async () => {
  store = await startFaultyStore()
  broker = await startBrokerHere({ dynamodb: store.endpoint })
})
afterEach(() => store.heal())
after(async () => {
  await broker.stop()
  await store.stop()
})

test('the store throttled or failing is 503, and what was to end goes on', async () => {
  const session = await device(broker)
  const { sid, sub } = claimsOf(session.accessToken)
  for (const fault of [throttling, internalError]) {
    store.fail(fault)
    const answers = await Promise.all([
      list(broker, 'demo'),
      show(broker, 'demo', String(sid)),
      revokeOne(broker, 'demo', String(sid)),
      revokeMany(broker, 'demo', { subject: sub }),
      revokeMany(broker, 'demo', { client_id: 'cli' }),
      revokeMany(broker, 'demo', { all: true }),
    ])
    for (const answer of answers) expectUnavailable(answer)
    store.heal()
  }
  await refreshed(broker, cli, session.refreshToken)
})

test('an index that cannot be asked, and families that cannot be read, are 503 too', async () => {
  await device(broker)
  store.fail(throttling, { operations: ['BatchGetItem'] })
  expectUnavailable(await list(broker, 'demo', { client_id: 'cli' }))
  store.fail(throttling, { operations: ['Query'] })
  expectUnavailable(await list(broker, 'demo', { client_id: 'cli' }))
})

test('an end whose answers were lost is told as what it is: done', async () => {
  const session = await device(broker)
  store.fail({ kind: 'lose-answer' }, { operations: ['UpdateItem'] })
  const answer = await revokeOne(broker, 'demo', String(claimsOf(session.accessToken).sid), 'lost')
  assert.deepEqual([answer.status, answer.body.revoked], [200, 1])
  store.heal()
  await expectDead(broker, session)
})
