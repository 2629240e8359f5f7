/**
 * A store that fails: answers that are lost after the write, throttling, refused connections.
 *
 * A write that happened is a success, however the store learns of it. If it cannot know, it is `Unavailable`.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { hashSalt } from '../../shared/domain/credential.ts'
import { expireDeviceCode, maxRequestMs } from '../../shared/domain/expire-device-code.ts'
import type { Family } from '../../shared/domain/family.ts'
import {
  decide,
  increaseInterval,
  recordPoll,
  redeem,
  revoke,
  revokeByOps,
  rotate,
  type Transition,
} from '../../shared/domain/transitions.ts'
import { createFamilies, type Families } from '../../shared/store/families.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import {
  type FaultProxy,
  internalError,
  overProvisioned,
  startFaultProxy,
  throttling,
} from '../flows/support/fault-proxy.ts'
import {
  active,
  approved,
  binding,
  codeIssued,
  credential,
  now,
  pending,
  person,
  policy,
  second,
} from '../support/families.ts'
import { bePatient, familyAt, putFamily, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
before(async () => {
  table = await startTable()
})
after(() => table.stop())

type Rig = { readonly proxy: FaultProxy; readonly families: Families }

/** A proxy, and a client of its own: a client gives up retrying once it has met too many faults. */
async function rigged(use: (rig: Rig) => Promise<void>, patience?: 'its own'): Promise<void> {
  const proxy = await startFaultProxy(table.endpoint)
  try {
    const connected = await table.another(proxy.endpoint)
    if (patience === undefined) bePatient(connected)
    const families = createFamilies(connected)
    proxy.forget()
    await use({ proxy, families })
  } finally {
    await proxy.stop()
  }
}

type Case = {
  readonly start: Family
  readonly make: (sid: string, writeId: string) => Transition
  readonly moved: Partial<Family>
}

const by = (sid: string, generation: number) => credential(generation, { sid })
const cases: Record<string, Case> = {
  touch: {
    start: pending(),
    make: (sid, writeId) => recordPoll(by(sid, 0), policy, { now, writeId }),
    moved: { nextPollAt: now + 4 * second },
  },
  slow: {
    start: pending(),
    make: (sid, writeId) => increaseInterval(by(sid, 0), 5 * second, { now, writeId }),
    moved: { pollIntervalMs: 10 * second },
  },
  lapse: {
    start: pending({ deviceLogin: 'sealed' }),
    make: (sid, writeId) => expireDeviceCode('demo', sid, { now, writeId }),
    moved: { codeExpiresAt: now + maxRequestMs },
  },
  decide: {
    start: pending(),
    make: (sid, writeId) => decide('demo', sid, { approve: person }, { now, writeId }),
    moved: { state: 'approved' },
  },
  redeem: {
    start: codeIssued(),
    make: (sid, writeId) => redeem(by(sid, 0), policy, binding, { now, writeId }),
    moved: { state: 'active', generation: 1 },
  },
  'redeem of a device code': {
    start: approved(),
    make: (sid, writeId) => redeem(by(sid, 0), policy, undefined, { now, writeId }),
    moved: { state: 'active', generation: 1 },
  },
  rotate: {
    start: active(7),
    make: (sid, writeId) => rotate(by(sid, 7), policy, {}, { now, writeId }),
    moved: { generation: 8 },
  },
  revoke: {
    start: active(7),
    make: (sid, writeId) => revoke(by(sid, 7), 'client', { now, writeId }),
    moved: { state: 'revoked' },
  },
}

async function on({ start, make }: Case) {
  const sid = randomUUID()
  const before = { ...start, sid }
  await putFamily(table, before)
  return { sid, before, transition: make(sid, randomUUID()) }
}

async function expectMoved({ families }: Rig, { moved }: Case, transition: Transition): Promise<void> {
  const outcome = await families.apply(transition)
  assert.ok(outcome.done, 'a retry that met its own write is told that it won')
  assert.equal(outcome.isGraceRetry, false)
  const stored = await familyAt(table, transition.sid)
  for (const [attribute, value] of Object.entries(moved)) {
    assert.deepEqual(outcome.family[attribute as keyof Family], value)
    assert.deepEqual(stored?.[attribute as keyof Family], value)
  }
}

// Most of the time goes by in the SDK's pauses between its tries, so all of it runs at once.
describe('every transition', { concurrency: true }, () => {
  for (const [name, known] of Object.entries(cases)) {
    for (const times of [1, 2]) {
      test(`${name}: its answer is lost ${times === 1 ? 'once' : 'twice'}, and it is done, once`, () =>
        rigged(async (rig) => {
          const { transition } = await on(known)
          rig.proxy.fail({ kind: 'lose-answer' }, { times, operations: ['UpdateItem'] })
          await expectMoved(rig, known, transition)
          assert.deepEqual(rig.proxy.counts(), { UpdateItem: times + 1 })
        }))
    }

    test(`${name}: every answer to the write is lost, and a read finds out that it happened`, () =>
      rigged(async (rig) => {
        const { transition } = await on(known)
        rig.proxy.fail({ kind: 'lose-answer' }, { operations: ['UpdateItem'] })
        await expectMoved(rig, known, transition)
        assert.deepEqual(rig.proxy.counts(), { UpdateItem: 3, GetItem: 1 })
      }))

    test(`${name}: every answer is lost, nothing can be known, so it is Unavailable`, () =>
      rigged(async ({ proxy, families }) => {
        const { transition } = await on(known)
        proxy.fail({ kind: 'lose-answer' })
        await assert.rejects(families.apply(transition), isUnavailable)
        assert.deepEqual(proxy.counts(), { UpdateItem: 3, GetItem: 3 })
      }))

    for (const fault of [throttling, overProvisioned, internalError]) {
      test(`${name}: ${fault.kind === 'error' && fault.name} is Unavailable, and nothing has changed`, () =>
        rigged(async (rig) => {
          const { sid, before, transition } = await on(known)
          rig.proxy.fail(fault)
          await assert.rejects(rig.families.apply(transition), isUnavailable)
          assert.deepEqual(await familyAt(table, sid), before)
          rig.proxy.heal()
          await expectMoved(rig, known, transition)
        }))
    }

    test(`${name}: a stumble is not noticed`, () =>
      rigged(async (rig) => {
        for (const fault of [throttling, internalError, { kind: 'hang-up' }] as const) {
          const { transition } = await on(known)
          rig.proxy.fail(fault, { times: 1 })
          await expectMoved(rig, known, transition)
        }
      }))
  }
})

test('connections refused: Unavailable for every request, and nothing has changed', () =>
  rigged(async (rig) => {
    const { sid, before, transition } = await on(cases.rotate!)
    await rig.proxy.goAway()
    await assert.rejects(rig.families.apply(transition), isUnavailable)
    await assert.rejects(rig.families.read(sid), isUnavailable)
    await assert.rejects(rig.families.create(pending({ sid: randomUUID() })), isUnavailable)
    await rig.proxy.comeBack()
    assert.deepEqual(await familyAt(table, sid), before)
    await expectMoved(rig, cases.rotate!, transition)
  }))

test('open: a lost answer once, twice or always is the same family, put once', () =>
  rigged(async ({ proxy, families }) => {
    for (const times of [1, 2, undefined]) {
      const family = pending({ sid: randomUUID(), writeId: randomUUID() })
      proxy.fail({ kind: 'lose-answer' }, { operations: ['PutItem'], ...(times !== undefined && { times }) })
      assert.equal(await families.create(family), true)
      assert.deepEqual(await familyAt(table, family.sid), family)
    }
  }))

test('open: a sid that is taken is so after any number of lost answers', () =>
  rigged(async ({ proxy, families }) => {
    const taken = pending({ sid: randomUUID() })
    await putFamily(table, taken)
    proxy.fail({ kind: 'lose-answer' }, { times: 2, operations: ['PutItem'] })
    assert.equal(await families.create({ ...taken, saltHash: hashSalt('another'), writeId: 'another' }), false)
    assert.deepEqual(await familyAt(table, taken.sid), taken)
  }))

test('open: a family that an operator ends before the retry of its creation was created all the same', () =>
  rigged(async ({ families }) => {
    const family = codeIssued({ sid: randomUUID(), writeId: randomUUID() })
    await putFamily(table, family)
    const end = revokeByOps('demo', family.sid, { actor: 'ada' }, { now, writeId: randomUUID() })
    assert.ok((await families.apply(end)).done)
    // The answer to the first try was lost.
    assert.equal(await families.create(family), true)
    assert.equal((await familyAt(table, family.sid))?.state, 'revoked')
  }))

test('open: when nothing can be known it is Unavailable, and when nothing was written it is, too', () =>
  rigged(async ({ proxy, families }) => {
    proxy.fail({ kind: 'lose-answer' })
    await assert.rejects(families.create(pending({ sid: randomUUID() })), isUnavailable)
    proxy.fail(throttling, { operations: ['PutItem'] })
    const family = pending({ sid: randomUUID() })
    await assert.rejects(families.create(family), isUnavailable)
    assert.equal(await familyAt(table, family.sid), undefined)
  }))

test('a reused token stays reuse though answers are lost', () =>
  rigged(async ({ proxy, families }) => {
    const { sid } = await on(cases.rotate!)
    proxy.fail({ kind: 'lose-answer' }, { times: 2 })
    const outcome = await families.apply(rotate(by(sid, 5), policy, {}, { now, writeId: randomUUID() }))
    assert.deepEqual(outcome.done ? 'done' : outcome.refusal, { kind: 'reuse', generation: 7 })
  }))

test('a try that comes when somebody has gone on from its own success is superseded, and never reuse', () =>
  rigged(async ({ proxy, families }) => {
    const { sid, transition } = await on(cases.rotate!)
    assert.ok((await families.apply(transition)).done)
    const next = rotate(by(sid, 8), policy, {}, { now, writeId: randomUUID() })
    assert.ok((await families.apply(next)).done)
    const before = await familyAt(table, sid)
    const late = await families.apply(transition)
    assert.deepEqual(late.done ? 'done' : late.refusal, { kind: 'superseded' })
    proxy.fail(throttling, { operations: ['UpdateItem'] })
    const asked = await families.apply(transition)
    assert.deepEqual(asked.done ? 'done' : asked.refusal, { kind: 'superseded' }, 'a read finds out, too')
    assert.deepEqual(await familyAt(table, sid), before)
  }))

test('a read that finds neither write id there learns nothing', () =>
  rigged(async ({ proxy, families }) => {
    const { sid, transition } = await on(cases.rotate!)
    const others = [
      rotate(by(sid, 7), policy, {}, { now, writeId: 'a' }),
      rotate(by(sid, 8), policy, {}, { now, writeId: 'b' }),
    ]
    for (const other of others) assert.ok((await families.apply(other)).done)
    proxy.fail(throttling, { operations: ['UpdateItem'] })
    await assert.rejects(families.apply(transition), isUnavailable)
  }))

test('a store that answers late is waited for; one that does not answer is asked again', () =>
  rigged(async (rig) => {
    const late = await on(cases.rotate!)
    rig.proxy.fail({ kind: 'delay', ms: 300 }, { times: 1 })
    await expectMoved(rig, cases.rotate!, late.transition)
    assert.deepEqual(rig.proxy.counts(), { UpdateItem: 1 })
    const silent = await on(cases.rotate!)
    rig.proxy.fail({ kind: 'delay', ms: 4_000 }, { times: 1 })
    await expectMoved(rig, cases.rotate!, silent.transition)
    assert.deepEqual(rig.proxy.counts(), { UpdateItem: 3 })
  }, 'its own'))

test('what is wrong in itself is a fault of ours, and not Unavailable', () =>
  rigged(async ({ families }) => {
    const { sid, before, transition } = await on(cases.rotate!)
    const wrong = { ...transition, sum: { nextPollAt: ['nonce', 1] } } as const
    await assert.rejects(families.apply(wrong), ({ name }: Error) => name === 'ValidationException')
    await assert.rejects(
      families.create({ ...before, sid: 's'.repeat(2_100) }),
      ({ name }: Error) => name === 'ValidationException',
    )
    assert.deepEqual(await familyAt(table, sid), before)
  }))

function isUnavailable(error: unknown): boolean {
  assert.ok(error instanceof Unavailable, String(error))
  assert.equal(error.part, 'store')
  assert.ok(error.cause instanceof Error)
  assert.ok(error.retryAfterSeconds >= 1)
  return true
}
