/**
 * Sessions whose provider has still to be told, found by an index: a page at a time, the longest overdue first.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import type { Family } from '../../shared/domain/family.ts'
import { markProviderNotified, revoke, revokeByOps } from '../../shared/domain/transitions.ts'
import { createFamilies, type Families } from '../../shared/store/families.ts'
import { createRevocations } from '../../shared/store/revocations.ts'
import type { Table } from '../../shared/store/table.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { startFaultProxy, throttling } from '../flows/support/fault-proxy.ts'
import { active, approved, credential, now, pending, revoked } from '../support/families.ts'
import { familyAt, putFamilies, putFamily, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let families: Families
beforeEach(async () => {
  table = await startTable()
  families = createFamilies(table)
})
afterEach(() => table.stop())

async function due(at: Table = table): Promise<(readonly string[])[]> {
  const pages: (readonly string[])[] = []
  for await (const sids of createRevocations(at).due(now + 1_000)) pages.push(sids)
  return pages
}

async function put(family: Family): Promise<string> {
  const sid = randomUUID()
  await putFamily(table, { ...family, sid })
  return sid
}

/** So many that are due, the longest overdue first. */
async function putDue(count: number): Promise<string[]> {
  const overdue = Array.from({ length: count }, (_, at) =>
    revoked({ sid: randomUUID(), revocationDue: 'provider', revokedAt: now - (count - at) * 1_000 }),
  )
  await putFamilies(table, overdue)
  return overdue.map(({ sid }) => sid)
}

const moment = (at = now) => ({ now: at, writeId: randomUUID() })

test('nothing is due of a family that lives, or whose provider is not to hear of its end', async () => {
  for (const family of [pending(), approved(), active(3), revoked()]) await put(family)
  const sid = await put(active(3))
  assert.ok((await families.apply(revoke(credential(3, { sid }), 'client', moment()))).done)
  assert.deepEqual(await due(), [])
})

test('the very write that ends a family makes it due, and the report takes it out', async () => {
  const [byClient, byOps] = [await put(active(3)), await put(approved())]
  assert.ok((await families.apply(revoke(credential(3, { sid: byClient }), 'client', moment(now), true))).done)
  assert.ok((await families.apply(revokeByOps('demo', byOps, { actor: 'ada' }, moment(now + 1), true))).done)
  assert.deepEqual(await due(), [[byClient, byOps]])
  assert.ok((await families.apply(markProviderNotified(byClient, randomUUID()))).done)
  assert.deepEqual(await due(), [[byOps]])
  const told = await familyAt(table, byClient)
  assert.deepEqual([told?.state, told?.revokedReason, told?.revocationDue], ['revoked', 'client', undefined])
})

test('what has failed is found when it is due again, after what has failed less often', async () => {
  const ended = (minutesAgo: number, revocationDue: Family['revocationDue']) =>
    put(revoked({ revokedAt: now - minutesAgo * 60_000, revocationDue: revocationDue! }))
  const thrice = await ended(30, 'provider 20')
  const [earlier, later] = [await ended(7, 'provider 5'), await ended(6, 'provider 5')]
  await ended(4, 'provider 5')
  await ended(30, 'provider 40')
  const never = await ended(1, 'provider')
  assert.deepEqual((await due()).flat(), [never, earlier, later, thrice])
})

test('a second report finds nothing to do', async () => {
  const sid = await put(revoked({ revocationDue: 'provider' }))
  assert.ok((await families.apply(markProviderNotified(sid, 'one'))).done)
  const again = await families.apply(markProviderNotified(sid, 'two'))
  assert.deepEqual(again.done ? 'done' : again.refusal, { kind: 'revoked' })
})

test('more than a page: each is there once, the longest overdue first', async () => {
  const sids = await putDue(230)
  const pages = await due()
  assert.deepEqual(
    pages.map(({ length }) => length),
    [100, 100, 30],
  )
  assert.deepEqual(pages.flat(), sids)
})

test('a page may be left without reading the next', async () => {
  await putDue(101)
  const proxy = await startFaultProxy(table.endpoint)
  try {
    const through = await table.another(proxy.endpoint)
    proxy.forget()
    for await (const sids of createRevocations(through).due(now)) {
      assert.equal(sids.length, 100)
      break
    }
    assert.deepEqual(proxy.counts(), { Query: 1 })
    proxy.fail(throttling)
    await assert.rejects(due(through), Unavailable)
  } finally {
    await proxy.stop()
  }
})
