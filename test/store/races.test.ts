/**
 * The same transition at the same moment, many times: one winner, and each loser is told why it lost.
 *
 * Over several clients, and over several processes.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { hashSalt } from '../../shared/domain/credential.ts'
import { expireDeviceCode, maxRequestMs } from '../../shared/domain/expire-device-code.ts'
import type { Family } from '../../shared/domain/family.ts'
import {
  decide,
  increaseInterval,
  recordPoll,
  redeem,
  revoke,
  rotate,
  type Transition,
} from '../../shared/domain/transitions.ts'
import { createFamilies, type Families, type Outcome } from '../../shared/store/families.ts'
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
import { startRacers } from '../support/racers.ts'
import { familyAt, putFamily, startTable, type TestTable } from '../support/table.ts'

const width = 20
const staggeredWidth = 10
let table: TestTable
let stores: readonly Families[]
before(async () => {
  table = await startTable()
  const tables = [table, await table.another(), await table.another(), await table.another()]
  stores = tables.map(createFamilies)
})
after(() => table.stop())

type Make = (sid: string, writeId: string, at: number) => Transition
const graced = { ...policy, graceSeconds: 10 }
const moment = (writeId: string) => ({ now, writeId })
const by = (sid: string, generation: number) => credential(generation, { sid })

/** Puts the family, and lets so many calls of a transition loose on it, each with a write id of its own. */
async function raceOn(start: Family, make: Make, startsAt: (at: number) => number = () => 0) {
  const sid = randomUUID()
  await putFamily(table, { ...start, sid })
  const once = async (at: number) => {
    if (startsAt(at) > 0) await pause(startsAt(at))
    return stores[at % stores.length]!.apply(make(sid, randomUUID(), at))
  }
  const outcomes = await Promise.all(
    Array.from({ length: startsAt(1) > 0 ? staggeredWidth : width }, (_, at) => once(at)),
  )
  return { sid, tally: tallyOf(outcomes), family: await familyAt(table, sid) }
}

function tallyOf(outcomes: readonly Outcome[]): Record<string, number> {
  const tally: Record<string, number> = {}
  for (const outcome of outcomes) {
    const name = outcome.done ? (outcome.isGraceRetry ? 'grace-retry' : 'won') : outcome.refusal.kind
    tally[name] = (tally[name] ?? 0) + 1
  }
  return tally
}

type Race = {
  readonly start: Family
  readonly make: Make
  readonly losers: string
  readonly stands: Partial<Family>
}

const races: Record<string, Race> = {
  'poll: one is in time': {
    start: pending(),
    make: (sid, writeId) => recordPoll(by(sid, 0), policy, moment(writeId)),
    losers: 'too-early',
    stands: { state: 'pending', nextPollAt: now + 4 * second },
  },
  'slow_down: the interval grows once': {
    start: pending(),
    make: (sid, writeId) => increaseInterval(by(sid, 0), 5 * second, moment(writeId)),
    losers: 'too-early',
    stands: { pollIntervalMs: 10 * second },
  },
  'lapse: the device code is brought forward once': {
    start: pending({ deviceLogin: 'sealed' }),
    make: (sid, writeId) => expireDeviceCode('demo', sid, moment(writeId)),
    losers: 'pending',
    stands: { state: 'pending', codeExpiresAt: now + maxRequestMs, deviceLogin: undefined },
  },
  'approve: the first approval stands': {
    start: pending(),
    make: (sid, writeId) => decide('demo', sid, { approve: person }, moment(writeId)),
    losers: 'decided',
    stands: { state: 'approved', subject: 'demo ada' },
  },
  'redeem of a device code': {
    start: approved(),
    make: (sid, writeId) => redeem(by(sid, 0), policy, undefined, moment(writeId)),
    losers: 'reuse',
    stands: { state: 'active', generation: 1 },
  },
  'redeem of an authorization code': {
    start: codeIssued(),
    make: (sid, writeId) => redeem(by(sid, 0), policy, binding, moment(writeId)),
    losers: 'reuse',
    stands: { state: 'active', generation: 1 },
  },
  'redeem in grace': {
    start: codeIssued(),
    make: (sid, writeId) => redeem(by(sid, 0), graced, binding, moment(writeId)),
    losers: 'grace-retry',
    stands: { state: 'active', generation: 1 },
  },
  'rotate without grace': {
    start: active(7),
    make: (sid, writeId) => rotate(by(sid, 7), policy, {}, moment(writeId)),
    losers: 'reuse',
    stands: { state: 'active', generation: 8, rotatedAt: now },
  },
  'rotate without grace, clocks up to a second apart': {
    start: active(7),
    make: (sid, writeId, at) => rotate(by(sid, 7), policy, {}, { now: now - at * 10, writeId }),
    losers: 'reuse',
    stands: { state: 'active', generation: 8 },
  },
  'rotate in grace': {
    start: active(7),
    make: (sid, writeId) => rotate(by(sid, 7), graced, {}, moment(writeId)),
    losers: 'grace-retry',
    stands: { state: 'active', generation: 8, rotatedAt: now },
  },
  revoke: {
    start: active(7),
    make: (sid, writeId) => revoke(by(sid, 7), 'client', moment(writeId)),
    losers: 'revoked',
    stands: { state: 'revoked', generation: 7, revokedAt: now },
  },
}

for (const [name, { start, make, losers, stands }] of Object.entries(races)) {
  test(`${width} at once, ${name}: one winner, the others ${losers}`, async () => {
    const { tally, family } = await raceOn(start, make)
    assert.deepEqual(tally, { won: 1, [losers]: width - 1 })
    for (const [attribute, value] of Object.entries(stands))
      assert.deepEqual(family?.[attribute as keyof Family], value)
  })

  test(`${staggeredWidth} staggered, ${name}: one winner, the others ${losers}`, async () => {
    const { tally } = await raceOn(start, make, (at) => at)
    assert.deepEqual(tally, { won: 1, [losers]: staggeredWidth - 1 })
  })
}

test(`${width} at once, open: one family, and the others learn that the sid is taken`, async () => {
  const sid = randomUUID()
  const once = (at: number) => {
    const own = { saltHash: hashSalt(randomUUID()), writeId: randomUUID(), startedFrom: `${at}` }
    return stores[at % stores.length]!.create(pending({ sid, ...own }))
  }
  const opened = await Promise.all(Array.from({ length: width }, (_, at) => once(at)))
  assert.equal(opened.filter(Boolean).length, 1)
  assert.equal((await familyAt(table, sid))?.startedFrom, String(opened.indexOf(true)))
})

test('approve against deny: the person decides once', async () => {
  const { tally, family } = await raceOn(pending(), (sid, writeId, at) =>
    decide('demo', sid, at % 2 === 0 ? { approve: person } : { deny: true }, moment(writeId)),
  )
  assert.deepEqual(tally, { won: 1, decided: width - 1 })
  assert.ok(family?.state === 'denied' ? family.person === undefined : family?.person?.sub === 'ada')
})

test('approve against lapse: whoever comes first, the approval stands and the code has its time', async () => {
  const start = pending({ deviceLogin: 'sealed' })
  const { codeExpiresAt } = start
  const { tally, family } = await raceOn(start, (sid, writeId, at) =>
    at === 7
      ? decide('demo', sid, { approve: person, codeExpiresAt }, moment(writeId))
      : expireDeviceCode('demo', sid, moment(writeId)),
  )
  const { won = 0, pending: overtaken = 0 } = tally
  assert.equal(won + overtaken, width)
  assert.ok(won <= 2, 'one approval, and one lapse if it was quicker')
  assert.deepEqual([family?.state, family?.codeExpiresAt], ['approved', codeExpiresAt])
})

test('rotate against revoke: whoever comes first, the family ends revoked and one of each is told so', async () => {
  const { tally, family } = await raceOn(active(7), (sid, writeId, at) =>
    at % 2 === 0 ? rotate(by(sid, 7), graced, {}, moment(writeId)) : revoke(by(sid, 7), 'client', moment(writeId)),
  )
  const { won = 0, 'grace-retry': retried = 0, revoked = 0, ...others } = tally
  assert.deepEqual(others, {})
  assert.equal(family?.state, 'revoked')
  assert.equal(won, family.generation === 8 ? 2 : 1, 'one revocation, and one rotation if it was quicker')
  assert.equal(won + retried + revoked, width)
})

test('a chain under storm: five generations, each won once', async () => {
  const sid = randomUUID()
  await putFamily(table, active(1, { sid }))
  for (let generation = 1; generation <= 5; generation += 1) {
    const once = (at: number) =>
      stores[at % stores.length]!.apply(rotate(by(sid, generation), graced, {}, moment(randomUUID())))
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, at) => once(at)))
    assert.deepEqual(tallyOf(outcomes), { won: 1, 'grace-retry': 19 })
    for (const outcome of outcomes) assert.equal(outcome.done && outcome.family.generation, generation + 1)
  }
})

test('40 at once from four processes: one winner', async () => {
  const racers = await startRacers(4, table.name)
  try {
    for (const [held, losers] of [
      [policy, 'reuse'],
      [graced, 'grace-retry'],
    ] as const) {
      const sid = randomUUID()
      await putFamily(table, active(7, { sid }))
      const outcomes = await racers.race({ credential: by(sid, 7), policy: held, now, times: 10 })
      assert.deepEqual(tallyOf(outcomes), { won: 1, [losers]: 39 })
      for (const outcome of outcomes) if (outcome.done) assert.equal(outcome.family.generation, 8)
    }
  } finally {
    await racers.stop()
  }
})
