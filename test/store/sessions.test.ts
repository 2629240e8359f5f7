/**
 * Sessions found through the indexes, page by page and in order, and read many at a time.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Family, subjectKey } from '../../shared/domain/family.ts'
import { createSessions, type Entry, type SessionQuery, type Sessions } from '../../shared/store/sessions.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { active, now, pending } from '../support/families.ts'
import { type LaggingIndex, startLaggingIndex } from '../support/lagging-index.ts'
import { bePatient, putFamilies, putFamily, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let lagging: LaggingIndex
let sessions: Sessions
before(async () => {
  table = await startTable()
  lagging = await startLaggingIndex(table.endpoint)
  const connected = await table.another(lagging.endpoint)
  bePatient(connected)
  sessions = createSessions(connected)
})
after(async () => {
  lagging.stop()
  await table.stop()
})

/** Puts families, so many ms after `now` each, and answers their sids in the order of a list. */
async function put(ages: readonly number[], of: (at: number) => Partial<Family> = () => ({})): Promise<string[]> {
  const families = ages.map((age, at) => active(3, { sid: `${age}-${randomUUID()}`, createdAt: now + age, ...of(at) }))
  await putFamilies(table, families)
  return families
    .sort((one, other) => other.createdAt - one.createdAt || (one.sid < other.sid ? -1 : 1))
    .map(({ sid }) => sid)
}

/** A whole list, so many at a time. */
async function all(whose: SessionQuery, most: number): Promise<string[]> {
  const sids: string[] = []
  let last: Entry | undefined
  for (let pages = 0; pages < 100; pages += 1) {
    const stretch = await sessions.newest(whose, last, most)
    assert.ok(stretch.sids.length <= most)
    sids.push(...stretch.sids)
    last = stretch.last
    if (last === undefined) return sids
  }
  return assert.fail('the list does not end')
}

describe('the newest families', () => {
  test('of a person, at all clients or at one', async () => {
    const who = (at: number) => ({ subject: subjectKey('demo', 'list'), clientId: at % 2 === 0 ? 'cli' : 'job' })
    const sids = await put([1, 2, 3, 4, 5], who)
    for (const most of [1, 2, 3, 5, 100]) {
      assert.deepEqual(await all({ application: 'demo', subject: 'list' }, most), sids)
      const atJob = { application: 'demo', subject: 'list', clientId: 'job' }
      assert.deepEqual(await all(atJob, most), [sids[1], sids[3]])
    }
    assert.deepEqual(await all({ application: 'other', subject: 'list' }, 10), [])
    assert.deepEqual(await all({ application: 'demo', subject: 'nobody' }, 10), [])
  })

  test('of a client, whether or not anybody has signed in, and not of its namesake elsewhere', async () => {
    const sids = await put([1, 2, 3], () => ({ clientId: 'one' }))
    const waiting = pending({ sid: randomUUID(), clientId: 'one', createdAt: now + 4 })
    await putFamily(table, waiting)
    await put([5, 6], () => ({ clientId: 'one', application: 'other' }))
    for (const most of [1, 2, 4, 100]) {
      assert.deepEqual(await all({ application: 'demo', clientIds: ['one'] }, most), [waiting.sid, ...sids])
    }
  })

  test('of an application are those of its clients in one order', async () => {
    const clientIds = ['a', 'b', 'c', 'd', 'nobody']
    const sids = await put([9, 1, 8, 2, 7, 3, 6, 4, 5], (at) => ({ clientId: clientIds[at % 4]! }))
    for (const most of [1, 2, 3, 4, 9, 100]) {
      assert.deepEqual(await all({ application: 'demo', clientIds }, most), sids, `${most} at a time`)
    }
    assert.deepEqual(await all({ application: 'demo', clientIds: [] }, 10), [])
  })

  test('of one millisecond come in one order, none twice and none never', async () => {
    const clientIds = ['tie', 'tied']
    const sids = await put([2, ...Array(12).fill(1), 0], (at) => ({ clientId: clientIds[at % 2]! }))
    for (const most of [1, 2, 5, 13, 100]) {
      assert.deepEqual(await all({ application: 'demo', clientIds }, most), sids, `${most} at a time`)
    }
  })

  test('that began while somebody turns pages do not move the pages', async () => {
    const who = () => ({ clientId: 'pages' })
    const sids = await put([1, 2, 3, 4], who)
    const whose = { application: 'demo', clientIds: ['pages'] }
    const first = await sessions.newest(whose, undefined, 2)
    await put([9], who)
    const second = await sessions.newest(whose, first.last, 2)
    assert.deepEqual([...first.sids, ...second.sids], sids)
  })

  test('cost one query a page for a person and for a client', async () => {
    await put([1, 2, 3, 4, 5], () => ({ clientId: 'cost', subject: subjectKey('demo', 'cost') }))
    for (const whose of [{ subject: 'cost' }, { clientIds: ['cost'] }]) {
      const first = await sessions.newest({ application: 'demo', ...whose }, undefined, 2)
      lagging.asked.length = 0
      await sessions.newest({ application: 'demo', ...whose }, first.last, 2)
      assert.deepEqual(lagging.asked, ['Query'])
    }
  })

  test('a client whose namesake has thousands before it is found page by page, and no page takes for ever', async () => {
    const [own] = await put([0], () => ({ clientId: 'namesake' }))
    const others = Array.from({ length: 60 }, (_, at) =>
      pending({ sid: randomUUID(), clientId: 'namesake', application: 'other', createdAt: now + at }),
    )
    await putFamilies(table, others)
    assert.deepEqual(await all({ application: 'demo', clientIds: ['namesake'] }, 1), [own])
  })
})

describe('the families of a person for a sweep', () => {
  test('come oldest first, up to a moment, a page after the other', async () => {
    const subject = 'sweep'
    const newestFirst = await put(
      Array.from({ length: 103 }, (_, at) => at),
      () => ({
        subject: subjectKey('demo', subject),
      }),
    )
    const expected = newestFirst.toReversed().slice(0, 102)
    const first = await sessions.ofPerson('demo', subject, now + 101, undefined)
    assert.equal(first.sids.length, 100)
    const second = await sessions.ofPerson('demo', subject, now + 101, first.last)
    assert.deepEqual([...first.sids, ...second.sids], expected)
    assert.equal(second.last, undefined)
  })
})

describe('reading many', () => {
  test('gives those that are there in the order asked for, each once', async () => {
    const sids = await put(Array.from({ length: 103 }, (_, at) => at))
    lagging.asked.length = 0
    const found = await sessions.read([...sids, 'gone', sids[0]!])
    assert.deepEqual(
      found.map(({ sid }) => sid),
      [...sids, sids[0]],
    )
    assert.deepEqual(lagging.asked, ['BatchGetItem', 'BatchGetItem'])
    assert.deepEqual(await sessions.read([]), [])
  })

  test('asks again for what DynamoDB did not come to', async () => {
    const sids = await put([1, 2, 3])
    lagging.leaveUnread = 1
    assert.deepEqual(
      (await sessions.read(sids)).map(({ sid }) => sid),
      sids,
    )
  })

  test('is Unavailable when DynamoDB does not come to it at all', async () => {
    const sids = await put([1, 2, 3, 4, 5, 6, 7])
    lagging.leaveUnread = 0
    const stubborn = createSessions({
      ...table,
      client: {
        send: async () => ({ Responses: {}, UnprocessedKeys: { [table.name]: { Keys: [{ pk: { S: 'x' } }] } } }),
      } as never,
    })
    await assert.rejects(stubborn.read(sids), Unavailable)
  })
})
