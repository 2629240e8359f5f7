/**
 * A client assertion is accepted once, over all Lambdas and whatever the store does.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type AssertionUse, createUsedAssertions, type UsedAssertions } from '../../shared/store/used-assertions.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { startFaultProxy } from '../flows/support/fault-proxy.ts'
import { now, second } from '../support/families.ts'
import { bePatient, itemAt, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let replays: readonly UsedAssertions[]
before(async () => {
  table = await startTable()
  replays = [createUsedAssertions(table), createUsedAssertions(await table.another())]
})
after(() => table.stop())

const expiresAtSeconds = now / 1000 + 60

/** Of an assertion that nobody has shown. */
function fresh(): AssertionUse {
  return { application: 'demo', clientId: 'robot', jtiHash: randomUUID(), expiresAtSeconds, writeId: randomUUID(), now }
}

function record(showing: AssertionUse, changes: Partial<AssertionUse> = {}, at = 0): Promise<boolean> {
  return replays[at % replays.length]!.record({ ...showing, writeId: randomUUID(), ...changes })
}

test('an assertion is the first once', async () => {
  const showing = fresh()
  assert.equal(await record(showing), true)
  assert.equal(await record(showing), false)
  assert.equal(await record(showing, {}, 1), false)
})

test('of twenty at once, over two Lambdas, exactly one is the first', async () => {
  const showing = fresh()
  const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => record(showing, {}, at)))
  assert.equal(answers.filter((isFirst) => isFirst).length, 1)
})

test('another jti, client or application is another assertion', async () => {
  const showing = fresh()
  await record(showing)
  assert.equal(await record(showing, { jtiHash: randomUUID() }), true)
  assert.equal(await record(showing, { clientId: 'robot#' }), true)
  assert.equal(await record(showing, { application: 'other' }), true)
})

test('it is remembered until its end and a minute, and what DynamoDB has not cleaned up by then is written over', async () => {
  const showing = fresh()
  await record(showing)
  const later = (seconds: number) => record(showing, { now: now + seconds * second, expiresAtSeconds: 1e10 })
  assert.equal(await later(60), false)
  assert.equal(await later(119.999), false)
  assert.equal(await later(120), true)
  assert.equal(await later(121), false)
})

test('the item holds a write id and its end, which is whole seconds', async () => {
  const showing = { ...fresh(), expiresAtSeconds: expiresAtSeconds + 0.2 }
  await replays[0]!.record(showing)
  const pk = `assertion#demo#robot#${showing.jtiHash}`
  assert.deepEqual(await itemAt(table, pk, 'assertion'), {
    ...{ pk, sk: 'assertion', writeId: showing.writeId },
    expires: expiresAtSeconds + 61,
  })
})

test('an answer that was lost on its way is found by the retry, which knows its own write', async () => {
  const proxy = await startFaultProxy(table.endpoint)
  try {
    const replay = createUsedAssertions(await table.another(proxy.endpoint))
    proxy.forget()
    const showing = fresh()
    proxy.fail({ kind: 'lose-answer' }, { operations: ['PutItem'], times: 1 })
    assert.equal(await replay.record(showing), true)
    assert.deepEqual(proxy.counts(), { PutItem: 2 })
    assert.equal(await record(showing), false)
  } finally {
    await proxy.stop()
  }
})

test('a write whose every answer was lost is found by a read, and stays the first showing', async () => {
  const proxy = await startFaultProxy(table.endpoint)
  try {
    const faulty = await table.another(proxy.endpoint)
    bePatient(faulty)
    const replay = createUsedAssertions(faulty)
    proxy.forget()
    const showing = fresh()
    proxy.fail({ kind: 'lose-answer' }, { operations: ['PutItem'] })
    assert.equal(await replay.record(showing), true)
    assert.deepEqual(proxy.counts(), { PutItem: 3, GetItem: 1 })
    assert.equal(await record(showing), false)
    await assert.rejects(replay.record({ ...showing, writeId: randomUUID() }), Unavailable, 'nobody else’s is ours')
    proxy.fail({ kind: 'lose-answer' })
    await assert.rejects(replay.record(fresh()), Unavailable, 'the read is lost, too')
  } finally {
    await proxy.stop()
  }
})

test('a store that is out of reach is Unavailable, and nothing is spent', async () => {
  const proxy = await startFaultProxy(table.endpoint)
  try {
    const replay = createUsedAssertions(await table.another(proxy.endpoint))
    const showing = fresh()
    proxy.fail({ kind: 'hang-up' })
    await assert.rejects(replay.record(showing), Unavailable)
    proxy.heal()
    assert.equal(await record(showing), true)
  } finally {
    await proxy.stop()
  }
})
