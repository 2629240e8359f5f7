/**
 * The end of every session of a person: those that the index does not show yet, those that begin meanwhile, sweeps that
 * are cut short and go on. The clock is the test's, and a pause takes as long as the test says.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as nextRefresh } from 'node:timers/promises'
import { requestTimeoutSeconds } from '../../infra/limits.ts'
import { type Family, subjectKey } from '../../shared/domain/family.ts'
import { decide, eraseClaims, redeem, revokeByOps, rotate } from '../../shared/domain/transitions.ts'
import { createFamilies } from '../../shared/store/families.ts'
import { createSessions } from '../../shared/store/sessions.ts'
import { begun, patience, type SweepState, settleMs, sweep } from '../../shared/store/sweep.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { active, approved, credential, now, pending, policy, revoked } from '../support/families.ts'
import { type LaggingIndex, startLaggingIndex } from '../support/lagging-index.ts'
import { bePatient, familyAt, putFamilies, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let lagging: LaggingIndex
before(async () => {
  table = await startTable()
  lagging = await startLaggingIndex(table.endpoint)
})
after(async () => {
  lagging.stop()
  await table.stop()
})

type Rig = {
  readonly subject: string
  /** Puts a family of the person. */
  put(family: Family): Promise<string>
  putAll(families: readonly Family[]): Promise<string[]>
  stateOf(sid: string): Promise<string | undefined>
  /** One call, up to `now`; `during` is called at each pause with the time that has gone by. */
  run(state?: SweepState, during?: (elapsedMs: number) => Promise<unknown>): Promise<SweepState | undefined>
  /** Calls until one is complete. */
  complete(during?: (elapsedMs: number) => Promise<unknown>): Promise<void>
  /** sids in the order in which they were ended */
  readonly ended: string[]
  readonly clock: { elapsedMs: number; perRead: number }
}

async function rig(): Promise<Rig> {
  const subject = randomUUID()
  const connected = await table.another(lagging.endpoint)
  bePatient(connected)
  const sessions = createSessions(connected)
  const clock = { elapsedMs: 0, perRead: 0 }
  const ended: string[] = []
  const parts = {
    families: createFamilies(connected),
    sessions: {
      ...sessions,
      ofPerson: (...words: Parameters<typeof sessions.ofPerson>) => {
        clock.elapsedMs += clock.perRead
        return sessions.ofPerson(...words)
      },
    },
  }
  const task = {
    application: 'demo',
    subject,
    end: (sid: string) => revokeByOps('demo', sid, { actor: 'ada', note: 'lost' }, { now, writeId: randomUUID() }),
    erase: (sid: string) => eraseClaims('demo', sid, randomUUID()),
    ended: ({ sid }: Family) => void ended.push(sid),
  }
  const putAll = async (families: readonly Family[]) => {
    const own = families.map((family) => ({
      ...{ ...family, sid: randomUUID() },
      ...(family.person && { subject: subjectKey('demo', subject) }),
    }))
    await putFamilies(table, own)
    return own.map(({ sid }) => sid)
  }
  const run: Rig['run'] = (state = begun(now, now + clock.elapsedMs), during = async () => {}) =>
    sweep(parts, task, state, {
      ...patience,
      now: () => now + clock.elapsedMs,
      pause: async (ms) => {
        clock.elapsedMs += ms
        await during(clock.elapsedMs)
      },
    })
  return {
    subject,
    ended,
    clock,
    put: async (family) => (await putAll([family]))[0]!,
    putAll,
    stateOf: async (sid) => (await familyAt(table, sid))?.state,
    run,
    complete: async (during) => {
      let calls = 1
      for (let state = await run(undefined, during); state !== undefined; calls += 1) {
        assert.ok(calls < 10, 'it comes to an end')
        state = await run(state, during)
      }
    },
  }
}

test('every session that can go on is ended, once, and what has ended is left alone', async () => {
  const { put, stateOf, complete, ended, clock } = await rig()
  const going = [await put(active(1)), await put(active(7)), await put(approved())]
  const client = await put(revoked())
  await complete()
  assert.deepEqual(ended.toSorted(), going.toSorted())
  for (const sid of going) assert.equal(await stateOf(sid), 'revoked')
  assert.equal((await familyAt(table, client))?.revokedReason, 'client')
  assert.ok(clock.elapsedMs >= settleMs, 'the index had time to catch up')
})

test('the claims of a session that had ended before are deleted, and operators still see how it ended', async () => {
  const { put, complete, ended } = await rig()
  const sid = await put(revoked())
  await complete()
  const family = await familyAt(table, sid)
  assert.deepEqual([family?.person, family?.revokedReason, ended], [undefined, 'client', []])
})

test('a session that the index shows late is ended too', async () => {
  const { put, stateOf, complete, ended } = await rig()
  const [early, late] = [await put(active(1)), await put(active(2))]
  lagging.hidden.add(late)
  const reveal = async (elapsedMs: number) => elapsedMs >= settleMs - 1_000 && lagging.hidden.delete(late)
  await complete(reveal)
  assert.deepEqual(ended, [early, late])
  assert.equal(await stateOf(late), 'revoked')
})

test('a sweep that has found something at its end sweeps once more', async () => {
  const { put, complete, ended } = await rig()
  const sids = [await put(active(1)), await put(active(2)), await put(active(3))]
  for (const sid of sids) lagging.hidden.add(sid)
  let shownAt = 0
  const reveal = async (elapsedMs: number) => {
    if (elapsedMs < settleMs || sids.length === ended.length) return
    lagging.hidden.delete(sids[shownAt++]!)
  }
  await complete(reveal)
  assert.deepEqual(ended, sids)
})

test('a device that the person approves while the sweep goes on gets nothing', async () => {
  const { put, stateOf, complete, subject } = await rig()
  const sid = await put(pending())
  const families = createFamilies(table)
  let isApproved = false
  const approve = async () => {
    if (isApproved) return
    isApproved = true
    const person = { sub: subject, claims: {} }
    assert.ok((await families.apply(decide('demo', sid, { approve: person }, { now, writeId: 'a' }))).done)
  }
  await complete(approve)
  assert.equal(await stateOf(sid), 'revoked')
  const late = await families.apply(redeem(credential(0, { sid }), policy, undefined, { now, writeId: 'b' }))
  assert.deepEqual(late.done ? 'done' : late.refusal, { kind: 'revoked' })
})

test('a sign-in that began before a person’s sessions ended does not outlive the complete answer', async () => {
  const { put, stateOf, complete } = await rig()
  const late: string[] = []
  // Its callback began just before the call, took all of its time, and the index then lags.
  const signIn = async (elapsedMs: number) => {
    if (elapsedMs < requestTimeoutSeconds * 1000 || late.length > 0) return
    late.push(await put(approved({ createdAt: now })))
    lagging.hidden.add(late[0]!)
    shownAt = elapsedMs + 3_000
  }
  let shownAt = Number.POSITIVE_INFINITY
  await complete(async (elapsedMs) => {
    await signIn(elapsedMs)
    if (elapsedMs >= shownAt) lagging.hidden.delete(late[0]!)
  })
  assert.equal(late.length, 1, 'the answer is not complete while the sign-in can be under way')
  assert.equal(await stateOf(late[0]!), 'revoked')
})

test('a session that began after the call is left alone', async () => {
  const { put, stateOf, complete } = await rig()
  const [old, same, fresh] = [
    await put(active(1)),
    await put(active(1, { createdAt: now })),
    await put(active(1, { createdAt: now + 1 })),
  ]
  await complete()
  assert.deepEqual([await stateOf(old), await stateOf(same), await stateOf(fresh)], ['revoked', 'revoked', 'active'])
})

test('a session that is refreshed at the same moment ends all the same', async () => {
  const { put, stateOf, complete } = await rig()
  const sids = await Promise.all(Array.from({ length: 5 }, () => put(active(1))))
  const families = createFamilies(table)
  const refreshing = sids.map(async (sid) => {
    for (let generation = 1; ; generation += 1) {
      const by = credential(generation, { sid })
      const outcome = await families.apply(rotate(by, policy, {}, { now, writeId: randomUUID() }))
      if (!outcome.done) return outcome.refusal.kind
      await nextRefresh(20)
    }
  })
  await complete()
  assert.deepEqual(new Set(await Promise.all(refreshing)), new Set(['revoked']))
  for (const sid of sids) assert.equal(await stateOf(sid), 'revoked')
})

test('a sweep whose time is up says where it stands, and another call brings it to its end', async () => {
  const { put, putAll, stateOf, run, ended, clock } = await rig()
  const sids = await putAll(Array.from({ length: 120 }, (_, at) => active(1, { createdAt: now - at })))
  clock.perRead = 13_000
  const first = await run()
  assert.ok(first?.after !== undefined, 'in the middle of a pass')
  assert.equal(ended.length, 100)
  const fresh = await put(active(1, { createdAt: now + 20_000 }))
  let state: SweepState | undefined = first
  let calls = 1
  for (; state !== undefined && calls < 10; calls += 1) state = await run(state)
  assert.equal(state, undefined, 'it comes to an end')
  assert.equal(ended.length, 120)
  const found = await createSessions(table).read(sids)
  assert.deepEqual(
    new Set(found.map(({ sid, state }) => `${sid} ${state}`)),
    new Set(sids.map((sid) => `${sid} revoked`)),
  )
  assert.equal(await stateOf(fresh), 'active', 'what began between the calls is not meant')
})

test('a sweep that the store cuts short can be run again', async () => {
  const { put, stateOf, run, complete } = await rig()
  const sids = await Promise.all(Array.from({ length: 5 }, () => put(active(1))))
  const broken = await run(undefined, () => Promise.reject(new Unavailable('store', new Error('away')))).catch(
    (error: unknown) => error,
  )
  assert.ok(broken instanceof Unavailable)
  await complete()
  for (const sid of sids) assert.equal(await stateOf(sid), 'revoked')
})
