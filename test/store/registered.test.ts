/**
 * Applications as operators see and revoke them.
 */

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createRegistered, type Registered } from '../../shared/store/registered.ts'
import { createRegistrations, type Registrations } from '../../shared/store/registrations.ts'
import { putRegistry } from '../../shared/store/registry.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { type FaultProxy, startFaultProxy, throttling } from '../flows/support/fault-proxy.ts'
import { now } from '../support/families.ts'
import { aClient, anApplication } from '../support/registry.ts'
import { bePatient, itemAt, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let proxy: FaultProxy
let registrations: Registrations
let registered: Registered
let name: string
before(async () => {
  table = await startTable()
  proxy = await startFaultProxy(table.endpoint)
})
beforeEach(async () => {
  proxy.heal()
  name = `app-${Math.round(performance.now() * 1000)}`
  const clients = ['cli', 'job', 'web'].map((clientId) => aClient({ application: name, clientId }))
  await putRegistry(table, { applications: [anApplication({ name })], clients })
  const connected = await table.another(proxy.endpoint)
  bePatient(connected)
  registrations = createRegistrations(connected)
  registered = createRegistered(connected, registrations)
  proxy.forget()
})
after(async () => {
  await proxy.stop()
  await table.stop()
})

const record = (sk: string) => itemAt(table, `application#${name}`, sk)

test('an application comes with all of its clients, in one request; one that is not there does not come', async () => {
  const { application, clients } = (await registered.read(name))!
  assert.equal(application.name, name)
  assert.deepEqual(
    clients.map(({ clientId }) => clientId),
    ['cli', 'job', 'web'],
  )
  assert.deepEqual(proxy.counts(), { Query: 1 })
  assert.equal(await registered.read('nobody'), undefined)
})

test('an application with more clients than a page holds comes whole', async () => {
  const clients = Array.from({ length: 40 }, (_, at) =>
    aClient({ application: name, clientId: `many-${at}`, redirectUris: [`https://app.example/${'r'.repeat(30_000)}`] }),
  )
  await putRegistry(table, { applications: [], clients })
  assert.equal((await registered.read(name))?.clients.length, 43)
  assert.ok(proxy.counts().Query! > 1)
})

test('a client, or an application, is revoked up to a moment by one write; nothing else of it changes', async () => {
  for (const [clientId, sk] of [
    ['job', 'client#job'],
    [undefined, 'application'],
  ] as const) {
    const before = await record(sk)
    proxy.forget()
    assert.equal(await registered.revokeUpTo(name, clientId, now), now)
    assert.deepEqual(proxy.counts(), { UpdateItem: 1 })
    assert.deepEqual(await record(sk), { ...before, revokedBefore: now })
  }
  assert.equal((await record('client#cli'))?.revokedBefore, 0)
})

test('the moment never goes back, and the one that holds is told', async () => {
  assert.equal(await registered.revokeUpTo(name, 'cli', now), now)
  assert.equal(await registered.revokeUpTo(name, 'cli', now - 1), now)
  assert.equal(await registered.revokeUpTo(name, 'cli', now), now)
  assert.equal(await registered.revokeUpTo(name, 'cli', now + 1), now + 1)
})

test('twenty at once leave the latest moment', async () => {
  const moments = Array.from({ length: 20 }, (_, at) => now + ((at * 7) % 20))
  await Promise.all(moments.map((moment) => registered.revokeUpTo(name, 'cli', moment)))
  assert.equal((await record('client#cli'))?.revokedBefore, now + 19)
})

test('who is not registered is not made by being revoked', async () => {
  assert.equal(await registered.revokeUpTo(name, 'nobody', now), undefined)
  assert.equal(await registered.revokeUpTo('nobody', undefined, now), undefined)
  assert.equal(await record('client#nobody'), undefined)
  assert.equal(await itemAt(table, 'application#nobody', 'application'), undefined)
})

test('the own memory forgets what it has revoked', async () => {
  assert.equal((await registrations.client(name, 'cli'))?.revokedBefore, 0)
  assert.equal((await registrations.application(name))?.revokedBefore, 0)
  await registered.revokeUpTo(name, 'cli', now)
  await registered.revokeUpTo(name, undefined, now + 1)
  assert.equal((await registrations.client(name, 'cli'))?.revokedBefore, now)
  assert.equal((await registrations.application(name))?.revokedBefore, now + 1)
})

test('a lost answer is a success, once more', async () => {
  proxy.fail({ kind: 'lose-answer' }, { times: 1, operations: ['UpdateItem'] })
  assert.equal(await registered.revokeUpTo(name, 'cli', now), now)
  assert.deepEqual(proxy.counts(), { UpdateItem: 2, GetItem: 1 })
})

test('a registry that is applied anew leaves the moment as it is', async () => {
  await registered.revokeUpTo(name, 'cli', now)
  await putRegistry(table, { applications: [], clients: [aClient({ application: name })] })
  assert.equal((await record('client#cli'))?.revokedBefore, now)
})

test('the store away is Unavailable', async () => {
  proxy.fail(throttling)
  await assert.rejects(registered.read(name), Unavailable)
  await assert.rejects(registered.revokeUpTo(name, 'cli', now), Unavailable)
})
