/**
 * A store that goes wrong: answers that are lost after the write happened, throttles, refusals to connect. What was
 * written is success, however it is learned; what is not known is `Unavailable`.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { Family } from '../../shared/domain/family.ts'
import { decide, redeem, revoke, rotate, slow, type Transition, touch } from '../../shared/domain/transitions.ts'
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
  holding,
  now,
  pending,
  person,
  second,
  shown,
} from '../support/families.ts'
import { familyAt, putFamily, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
let proxy: FaultProxy
let families: Families
before(async () => {
  table = await startTable()
  proxy = await startFaultProxy(table.endpoint)
})
// A client of its own for each test: it gives up retrying once it has met too many faults.
beforeEach(async () => {
  families = createFamilies(await table.another(proxy.endpoint))
})
afterEach(() => proxy.heal())
after(async () => {
  await proxy.stop()
  await table.stop()
})

type Case = {
  readonly start: Family
  readonly make: (sid: string, attempt: string) => Transition
  readonly moved: Partial<Family>
}

const by = (sid: string, generation: number) => shown(generation, { sid })
const cases: Record<string, Case> = {
  touch: {
    start: pending(),
    make: (sid, attempt) => touch(by(sid, 0), holding, { now, attempt }),
    moved: { nextPollAt: now + 4 * second },
  },
  slow: {
    start: pending(),
    make: (sid, attempt) => slow(by(sid, 0), 5 * second, { now, attempt }),
    moved: { pollIntervalMs: 10 * second },
  },
  decide: {
    start: pending(),
    make: (sid, attempt) => decide('demo', sid, { approve: person }, { now, attempt }),
    moved: { state: 'approved' },
  },
  redeem: {
    start: codeIssued(),
    make: (sid, attempt) => redeem(by(sid, 0), holding, binding, { now, attempt }),
    moved: { state: 'active', generation: 1 },
  },
  'redeem of a device code': {
    start: approved(),
    make: (sid, attempt) => redeem(by(sid, 0), holding, undefined, { now, attempt }),
    moved: { state: 'active', generation: 1 },
  },
  rotate: {
    start: active(7),
    make: (sid, attempt) => rotate(by(sid, 7), holding, [], { now, attempt }),
    moved: { generation: 8 },
  },
  revoke: {
    start: active(7),
    make: (sid, attempt) => revoke(by(sid, 7), 'client', { now, attempt }),
    moved: { state: 'revoked' },
  },
}

async function on({ start, make }: Case) {
  const sid = randomUUID()
  const before = { ...start, sid }
  await putFamily(table, before)
  proxy.forget()
  return { sid, before, transition: make(sid, randomUUID()) }
}

async function expectMoved({ moved }: Case, transition: Transition): Promise<void> {
  const outcome = await families.apply(transition)
  assert.ok(outcome.done, 'a retry that met its own write is told that it won')
  assert.equal(outcome.replay, false)
  const stored = await familyAt(table, transition.sid)
  for (const [attribute, value] of Object.entries(moved)) {
    assert.deepEqual(outcome.family[attribute as keyof Family], value)
    assert.deepEqual(stored?.[attribute as keyof Family], value)
  }
}

for (const [name, known] of Object.entries(cases)) {
  describe(name, () => {
    for (const times of [1, 2]) {
      test(`its answer is lost ${times === 1 ? 'once' : 'twice'}: it is done, and done once`, async () => {
        const { transition } = await on(known)
        proxy.fail({ kind: 'lose-answer' }, { times, operations: ['UpdateItem'] })
        await expectMoved(known, transition)
        assert.deepEqual(proxy.counts(), { UpdateItem: times + 1 })
      })
    }

    test('every answer to the write is lost: a read finds out that it happened', async () => {
      const { transition } = await on(known)
      proxy.fail({ kind: 'lose-answer' }, { operations: ['UpdateItem'] })
      await expectMoved(known, transition)
      assert.deepEqual(proxy.counts(), { UpdateItem: 3, GetItem: 1 })
    })

    test('every answer is lost: nothing can be known, so it is Unavailable', async () => {
      const { transition } = await on(known)
      proxy.fail({ kind: 'lose-answer' })
      await assert.rejects(families.apply(transition), isUnavailable)
      assert.deepEqual(proxy.counts(), { UpdateItem: 3, GetItem: 3 })
    })

    test('throttled: Unavailable, and nothing has changed', async () => {
      const { sid, before, transition } = await on(known)
      for (const fault of [throttling, overProvisioned, internalError]) {
        proxy.fail(fault)
        await assert.rejects(families.apply(transition), isUnavailable)
      }
      assert.deepEqual(await familyAt(table, sid), before)
      proxy.heal()
      await expectMoved(known, transition)
    })

    test('a stumble is not noticed', async () => {
      for (const fault of [throttling, internalError, { kind: 'hang-up' }] as const) {
        const { transition } = await on(known)
        proxy.fail(fault, { times: 1 })
        await expectMoved(known, transition)
      }
    })
  })
}

test('connections refused: Unavailable for every request, and nothing has changed', async () => {
  const { sid, before, transition } = await on(cases.rotate!)
  await proxy.goAway()
  try {
    await assert.rejects(families.apply(transition), isUnavailable)
    await assert.rejects(families.read(sid), isUnavailable)
    await assert.rejects(families.open(pending({ sid: randomUUID() })), isUnavailable)
  } finally {
    await proxy.comeBack()
  }
  assert.deepEqual(await familyAt(table, sid), before)
  await expectMoved(cases.rotate!, transition)
})

test('open: a lost answer once, twice or always is the same family, put once', async () => {
  for (const times of [1, 2, undefined]) {
    const family = pending({ sid: randomUUID(), attempt: randomUUID() })
    proxy.fail({ kind: 'lose-answer' }, { operations: ['PutItem'], ...(times !== undefined && { times }) })
    assert.equal(await families.open(family), true)
    proxy.heal()
    assert.deepEqual(await familyAt(table, family.sid), family)
  }
})

test('open: when nothing can be known it is Unavailable; a sid that is taken is so after any number of lost answers', async () => {
  const taken = pending({ sid: randomUUID() })
  await putFamily(table, taken)
  proxy.fail({ kind: 'lose-answer' }, { times: 2, operations: ['PutItem'] })
  assert.equal(await families.open({ ...taken, attempt: 'another' }), false)
  proxy.fail({ kind: 'lose-answer' })
  await assert.rejects(families.open(pending({ sid: randomUUID() })), isUnavailable)
})

test('a read that finds another attempt does not take its success for ours', async () => {
  const { sid, transition } = await on(cases.rotate!)
  proxy.fail(throttling, { operations: ['UpdateItem'] })
  await assert.rejects(families.apply(transition), isUnavailable)
  assert.equal((await familyAt(table, sid))?.generation, 7)
})

test('a reused token stays reuse though answers are lost, and the write it needs is done once', async () => {
  const { sid } = await on(cases.rotate!)
  proxy.fail({ kind: 'lose-answer' }, { times: 2 })
  const outcome = await families.apply(rotate(by(sid, 5), holding, [], { now, attempt: randomUUID() }))
  assert.deepEqual(outcome, { done: false, refusal: { kind: 'reuse', generation: 7 } })
})

test('a delay within the patience of a request is waited for; one beyond it is retried', async () => {
  const { transition } = await on(cases.rotate!)
  proxy.fail({ kind: 'delay', ms: 300 }, { times: 1 })
  await expectMoved(cases.rotate!, transition)
  assert.equal(proxy.counts().UpdateItem, 1)
  const again = await on(cases.rotate!)
  proxy.fail({ kind: 'delay', ms: 4_000 }, { times: 1 })
  await expectMoved(cases.rotate!, again.transition)
  assert.ok((proxy.counts().UpdateItem ?? 0) >= 2)
})

test('what the store says of a request that is wrong in itself is a fault of ours and not Unavailable', async () => {
  const wrong = { ...(await on(cases.rotate!)).transition, sum: { nextPollAt: ['nonce', 1] } as const }
  await assert.rejects(families.apply(wrong), (error) => {
    assert.ok(error instanceof Error && !(error instanceof Unavailable))
    return error.name === 'ValidationException'
  })
})

function isUnavailable(error: unknown): boolean {
  assert.ok(error instanceof Unavailable, String(error))
  assert.equal(error.part, 'store')
  assert.ok(error.cause instanceof Error)
  assert.ok(error.retryAfterSeconds >= 1)
  return true
}
