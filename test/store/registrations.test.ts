/**
 * Applications and clients in the table, and how long a warm Lambda caches them.
 */

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Application, Client } from '../../shared/domain/registration.ts'
import { createRegistrations, type Registrations, registrationsCachedMs } from '../../shared/store/registrations.ts'
import { putRegistry } from '../../shared/store/registry.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { type FaultProxy, startFaultProxy, throttling } from '../flows/support/fault-proxy.ts'
import { now as aMoment } from '../support/families.ts'
import { aClient, anApplication } from '../support/registry.ts'
import { deleteItem, putItem, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let proxy: FaultProxy
let registrations: Registrations
let now = aMoment
before(async () => {
  table = await startTable()
  proxy = await startFaultProxy(table.endpoint)
})
beforeEach(async () => {
  now = aMoment
  registrations = createRegistrations(await table.another(proxy.endpoint), () => now)
  await putRegistry(table, { applications: [anApplication()], clients: [aClient()] })
  proxy.heal()
  proxy.forget()
})
after(async () => {
  await proxy.stop()
  await table.stop()
})

const application = { pk: 'application#demo', sk: 'application' }
const client = { pk: 'application#demo', sk: 'client#cli' }
const changed = (record: Application | Client, key: object) => putItem(table, { ...key, ...record })
const own = <Record extends object>(record: Record | undefined) => {
  if (record === undefined) return undefined
  const { pk: _, sk: __, addedAt: ___, ...rest } = record as Record & { pk?: string; sk?: string; addedAt?: number }
  return rest
}

test('an application and a client are read as they were put', async () => {
  assert.deepEqual(own(await registrations.application('demo')), anApplication())
  assert.deepEqual(own(await registrations.client('demo', 'cli')), aClient())
})

test('what is not there is undefined: an application, a client, a client of another application', async () => {
  assert.equal(await registrations.application('other'), undefined)
  assert.equal(await registrations.client('demo', 'job'), undefined)
  assert.equal(await registrations.client('other', 'cli'), undefined)
  assert.equal(await registrations.application('demo\0application'), undefined)
})

test('a record is read once in ten seconds, and a change is seen after them', async () => {
  assert.equal(registrationsCachedMs, 10_000)
  await registrations.client('demo', 'cli')
  await changed(aClient({ idleSeconds: 7 }), client)
  now += 9_999
  assert.equal((await registrations.client('demo', 'cli'))?.idleSeconds, aClient().idleSeconds)
  assert.deepEqual(proxy.counts(), { GetItem: 1 })
  now += 1
  assert.equal((await registrations.client('demo', 'cli'))?.idleSeconds, 7)
  assert.deepEqual(proxy.counts(), { GetItem: 2 })
})

test('the ten seconds are counted from the read, not from the last use', async () => {
  await registrations.application('demo')
  await changed(anApplication({ revokedBefore: 5 }), application)
  for (let count = 0; count < 4; count += 1) {
    now += 2_500
    await registrations.application('demo')
  }
  assert.equal((await registrations.application('demo'))?.revokedBefore, 5)
})

test('what is not there is asked for each time, so a new client is known at once', async () => {
  assert.equal(await registrations.client('demo', 'new'), undefined)
  await changed(aClient({ clientId: 'new' }), { ...client, sk: 'client#new' })
  assert.equal((await registrations.client('demo', 'new'))?.clientId, 'new')
})

test('a client that is taken away is gone after ten seconds', async () => {
  const brief = { ...client, sk: 'client#brief' }
  await changed(aClient({ clientId: 'brief' }), brief)
  assert.ok(await registrations.client('demo', 'brief'))
  await deleteItem(table, brief)
  now += 9_999
  assert.ok(await registrations.client('demo', 'brief'))
  now += 1
  assert.equal(await registrations.client('demo', 'brief'), undefined)
})

test('names that nobody registered do not push out what is remembered', async () => {
  await registrations.client('demo', 'cli')
  proxy.forget()
  for (let count = 0; count < 50; count += 1) await registrations.client('demo', `invented-${count}`)
  await registrations.client('demo', 'cli')
  assert.deepEqual(proxy.counts(), { GetItem: 50 })
})

test('a name that no registration could have is answered without asking the table', async () => {
  assert.equal(await registrations.client('demo', 'c'.repeat(2_000)), undefined)
  assert.equal(await registrations.application('a'.repeat(3_000)), undefined)
  assert.equal(await registrations.application(''), undefined)
  assert.equal(await registrations.client('demo', ''), undefined)
})

test('a store that is away is Unavailable, and what is remembered still serves', async () => {
  await registrations.client('demo', 'cli')
  proxy.fail(throttling)
  assert.ok(await registrations.client('demo', 'cli'))
  await assert.rejects(registrations.application('demo'), Unavailable)
})
