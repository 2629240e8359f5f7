/** Random walks: the client, a thief and the person move a family in any order, and invariants are checked after each step. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expireDeviceCode } from '../../shared/domain/expire-device-code.ts'
import type { Family } from '../../shared/domain/family.ts'
import type { SessionPolicy } from '../../shared/domain/single-use.ts'
import {
  decide,
  increaseInterval,
  recordPoll,
  redeem,
  revoke,
  rotate,
  type Transition,
} from '../../shared/domain/transitions.ts'
import {
  approved,
  now as beginning,
  binding,
  codeIssued,
  credential,
  pending,
  person,
  policy,
  sid,
} from '../support/families.ts'
import { type Step, step } from '../support/memory.ts'

type Move =
  /** A little back, too: Lambdas' clocks differ. */
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'poll' | 'expireDeviceCode' | 'approve' | 'deny' | 'redeem' | 'sign-out' }
  /** Shows a refresh token: 0 is the newest that was ever given, 1 the one before, … */
  | { readonly do: 'refresh'; readonly age: number }

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(-5, -1, 0, 1, 999, 4_000, 9_999, 10_000, 60_000, 120_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('poll' as const, 'redeem' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('expireDeviceCode' as const, 'approve' as const, 'deny' as const, 'sign-out' as const),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('refresh' as const), age: fc.constantFrom(0, 0, 0, 1, 1, 2, 5) }),
  },
)

const walk = fc.record({
  start: fc.constantFrom(pending(), pending(), approved(), codeIssued()),
  graceSeconds: fc.constantFrom(0, 10),
  moves: fc.array(move, { maxLength: 60, size: 'max' }),
})

type World = { family: Family; now: number; readonly held: SessionPolicy; attempts: number }

/** What a caller's call comes to; reuse kills the family, as every grant does. */
function call(world: World, transition: Transition): Step {
  const done = step(transition, world.family)
  if (done.moved) world.family = done.family
  else if (done.verdict.kind === 'reuse') {
    const killed = step(revoke(credential(0), 'reuse', moment(world)), world.family)
    if (killed.moved) world.family = killed.family
  }
  return done
}

function moment(world: World) {
  world.attempts += 1
  return { now: world.now, writeId: `write ${world.attempts}` }
}

function bindingOf({ flow }: Family) {
  return flow === 'code' ? binding : undefined
}

/** The transitions that each credential ever given would ask for at this moment. */
function everyShowing(world: World): Transition[] {
  const { family, held } = world
  const refreshes = Array.from({ length: family.generation + 1 }, (_, at) =>
    rotate(credential(at + 1), held, {}, moment(world)),
  )
  return [redeem(credential(0), held, bindingOf(family), moment(world)), ...refreshes]
}

function make(world: World, taken: Move): Step | undefined {
  const { family, held } = world
  switch (taken.do) {
    case 'wait':
      world.now += taken.ms
      return undefined
    case 'poll': {
      const polled = call(world, recordPoll(credential(0), held, moment(world)))
      if (!polled.moved && polled.verdict.kind === 'too-early') {
        call(world, increaseInterval(credential(0), polled.verdict.pollIntervalMs, moment(world)))
      }
      return polled
    }
    case 'expireDeviceCode':
      return call(world, expireDeviceCode('demo', sid, moment(world)))
    case 'approve':
      return call(world, decide('demo', sid, { approve: person }, moment(world)))
    case 'deny':
      return call(world, decide('demo', sid, { deny: true }, moment(world)))
    case 'redeem':
      return call(world, redeem(credential(0), held, bindingOf(family), moment(world)))
    case 'refresh': {
      const generation = family.generation - taken.age
      return generation < 1 ? undefined : call(world, rotate(credential(generation), held, {}, moment(world)))
    }
    case 'sign-out':
      return call(world, revoke(credential(0), 'client', moment(world)))
  }
}

function walked(look: (before: Family, world: World, done: Step | undefined, taken: Move) => void): void {
  fc.assert(
    fc.property(walk, ({ start, graceSeconds, moves }) => {
      const world: World = { family: start, now: beginning, held: { ...policy, graceSeconds }, attempts: 0 }
      for (const taken of moves) {
        const before = world.family
        const done = make(world, taken)
        look(before, world, done, taken)
      }
    }),
    { numRuns: 1_000 },
  )
}

test('at most one credential moves a family on, and every grace retry leads to it', () => {
  walked((_, world) => {
    const showings = everyShowing(world).map((transition) => step(transition, world.family))
    const moving = showings.filter(({ moved }) => moved)
    assert.ok(moving.length <= 1, `${moving.length} credentials are live at once`)
    for (const [generation, showing] of showings.entries()) {
      if (showing.moved) assert.equal(showing.family.generation, generation + 1)
      else if (showing.verdict.kind === 'grace-retry') assert.equal(world.family.generation, generation + 1)
    }
  })
})

test('a revoked family never moves again', () => {
  walked((before, { family }) => {
    if (before.state === 'revoked') assert.deepEqual(family, before)
  })
})

test('the generation never decreases, and increases by one', () => {
  walked((before, { family }) => {
    assert.ok([0, 1].includes(family.generation - before.generation), `${before.generation} to ${family.generation}`)
  })
})

test('the absolute end of a session is set once and never moves', () => {
  walked((before, { family }) => {
    if (before.absoluteExpiresAt !== undefined) assert.equal(family.absoluteExpiresAt, before.absoluteExpiresAt)
  })
})

test('no tokens are issued after the absolute end or the idle limit', () => {
  walked((before, world, done) => {
    const given =
      done !== undefined && world.family.state === 'active' && (done.moved || done.verdict.kind === 'grace-retry')
    if (!given || before.state !== 'active') return
    assert.ok(world.now < (before.absoluteExpiresAt ?? 0), 'past the absolute end')
    assert.ok(world.now - (before.rotatedAt ?? 0) < world.held.idleSeconds * 1000, 'idle too long')
  })
})

test('the grace begins with the rotation, and retries do not extend it', () => {
  let rotatedAt = new Map<number, number>()
  walked((before, { family, now, held }, done) => {
    if (before.generation === 0) rotatedAt = new Map()
    if (family.generation > before.generation) rotatedAt.set(family.generation, now)
    if (done === undefined || done.moved || done.verdict.kind !== 'grace-retry') return
    const since = now - (rotatedAt.get(family.generation) ?? Number.NEGATIVE_INFINITY)
    assert.ok(held.graceSeconds > 0 && since < held.graceSeconds * 1000, `replayed ${since} ms after the rotation`)
  })
})

test('an exchanged credential is reuse once its grace is over, and the family is revoked', () => {
  walked((before, { family, now, held }, done, taken) => {
    if (taken.do !== 'refresh' || taken.age === 0 || before.state !== 'active') return
    if (before.generation - taken.age < 1) return
    const graceMs = held.graceSeconds * 1000
    const graced = taken.age === 1 && graceMs > 0 && now - (before.rotatedAt ?? 0) < graceMs
    if (graced) return
    assert.ok(done !== undefined && !done.moved)
    assert.equal(done.verdict.kind, 'reuse')
    assert.equal(family.state, 'revoked')
  })
})

test('the random walks meet every state, grace retries and reuse', () => {
  const met = new Set<string>()
  walked((_, { family }, done) => {
    met.add(family.state)
    if (family.generation > 3) met.add('far')
    if (done !== undefined && !done.moved) met.add(done.verdict.kind)
  })
  for (const expected of [
    'pending',
    'approved',
    'denied',
    'active',
    'revoked',
    'far',
    'grace-retry',
    'reuse',
    'expired',
    'too-early',
  ]) {
    assert.ok(met.has(expected), expected)
  }
})
