/**
 * R13 and R30 of the cases: the store wrote, and its answer never came.
 *
 * Owns lost answers, played by a proxy in front of the store: a retry inside the broker is not reuse, and what cannot be
 * found out is left to graceSeconds (contract.md §2).
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { cli, job, web } from './support/callers.ts'
import { exchange, poll, refresh, revoke } from './support/endpoints.ts'
import { expectDead, expectRefusal, expectTokens, expectUnavailable, refreshed } from './support/expect.ts'
import type { FaultProxy } from './support/fault-proxy.ts'
import { authorizationCode, decide, device, deviceCode, walk } from './support/flows.ts'
import { Person } from './support/person.ts'
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

test('R30 a write that happened and whose answer was lost once is not reuse: the retry inside the broker knows its own', async () => {
  for (const caller of [cli, job]) {
    const { refreshToken } = await device(broker, caller)
    store.fail({ kind: 'lose-answer' }, { times: 1, operations: ['UpdateItem'] })
    store.forget()
    const next = await refreshed(broker, caller, refreshToken)
    assert.ok((store.counts().UpdateItem ?? 0) >= 2, 'the answer was indeed lost')
    const third = await refreshed(broker, caller, next.refreshToken)
    await refreshed(broker, caller, third.refreshToken)
  }
})

test('R30 the same when a device starts, a person decides, and a device code or an authorization code is redeemed', async () => {
  const loseOne = () => store.fail({ kind: 'lose-answer' }, { times: 1, operations: ['UpdateItem', 'PutItem'] })
  loseOne()
  const started = await deviceCode(broker)
  loseOne()
  assert.equal((await decide(started, 'approve')).status, 200)
  loseOne()
  const fromDevice = expectTokens(await poll(broker, cli, started.deviceCode))
  await refreshed(broker, cli, fromDevice.refreshToken)

  loseOne()
  const issued = await authorizationCode(broker, web)
  loseOne()
  const fromCode = expectTokens(await exchange(broker, web, issued))
  await refreshed(broker, web, fromCode.refreshToken)
})

test('R30 a first poll whose answer was lost inside is still the first', async () => {
  const started = await deviceCode(broker)
  store.fail({ kind: 'lose-answer' }, { times: 1, operations: ['UpdateItem'] })
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
})

test('R30 when every answer to the write is lost the broker tries to find out, and reads that it happened', async () => {
  const { refreshToken } = await device(broker)
  store.fail({ kind: 'lose-answer' }, { operations: ['UpdateItem'] })
  const answer = await refresh(broker, cli, refreshToken)
  store.heal()
  await refreshed(broker, cli, expectTokens(answer).refreshToken)
})

test('R13 a caller within grace whose answer was lost gets the same successor when it comes again', async () => {
  const { refreshToken } = await device(broker, job)
  store.fail({ kind: 'lose-answer' })
  expectUnavailable(await refresh(broker, job, refreshToken))
  store.heal()
  const next = await refreshed(broker, job, refreshToken)
  const again = await refreshed(broker, job, refreshToken)
  assert.equal(again.refreshToken, next.refreshToken)
  await refreshed(broker, job, next.refreshToken)
})

test('R30 with grace 0, a write that happened and of which nothing could be learned makes the retry reuse', async () => {
  const session = await device(broker, cli)
  store.fail({ kind: 'lose-answer' })
  expectUnavailable(await refresh(broker, cli, session.refreshToken))
  store.heal()
  expectRefusal(await refresh(broker, cli, session.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, session)
})

test('R30 a session that has gone on while an answer was lost is not reuse: the late retry gets nothing and kills nothing', async () => {
  const { refreshToken } = await device(broker, job)
  store.fail({ kind: 'keep-silent' }, { times: 1, operations: ['UpdateItem'] })
  const late = refresh(broker, job, refreshToken)
  await store.silent()
  // The job, or its sister with the same token, comes again within grace, and uses what it gets.
  const next = await refreshed(broker, job, refreshToken)
  const third = await refreshed(broker, job, next.refreshToken)
  expectRefusal(await late, 400, 'invalid_grant')
  await refreshed(broker, job, third.refreshToken)
})

test('R30 a person who approved reads so, even where the device was quicker than the answer', async () => {
  const started = await deviceCode(broker)
  const person = new Person()
  const signedIn = await decide(await deviceCode(broker), 'approve', person)
  assert.equal(signedIn.status, 200, 'so that the provider asks nothing the second time')
  const question = await person.open(started.verificationUriComplete)
  store.fail({ kind: 'keep-silent' }, { times: 1, operations: ['UpdateItem'] })
  const answering = walk(person, question, { decision: 'approve' })
  await store.silent()
  expectTokens(await poll(broker, cli, started.deviceCode))
  const page = await answering
  assert.equal(page.status, 200, page.text)
  assert.match(page.text, /is connected/)
  assert.match(broker.output(), /"event":"session\.approved"[^\n]*"sub":"ada"/)
})

test('V10 a revocation whose answer was lost once is 200, and the family dead', async () => {
  const session = await device(broker)
  store.fail({ kind: 'lose-answer' }, { times: 1 })
  assert.equal((await revoke(broker, cli, session.refreshToken)).status, 200)
  await expectDead(broker, session)
})
