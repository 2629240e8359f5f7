import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  coolDown,
  createVault,
  dropTokens,
  leaseMs,
  nextStep,
  renewTokens,
  type Step,
  type TokenLifetime,
  takeLease,
  type Vault,
  type VaultChange,
  vaultExpires,
} from '../../shared/domain/vault.ts'
import { timeoutSeconds } from '../../shared/providers/sign-in.ts'
import { now, second } from '../support/families.ts'
import { changedVault, openingOf, vaultOf } from '../support/vaults.ts'

const minute = 60 * second

// --- what to do -----------------------------------------------------------------------------------------------------

describe('what to do with a vault', () => {
  const held = { leaseUntil: now + 1 }
  const heldBefore = { leaseUntil: now }
  const cooling = { retryAt: now + 1 }
  const cooled = { retryAt: now, failures: 3 }
  const final = { isRefreshable: false }
  const dead = { sealed: undefined, isRefreshable: false }
  /** Rows: how long the access token is good yet. Columns: who else is at it. */
  const columns = { nobody: {}, held, heldBefore, cooling, cooled, both: { ...held, ...cooling }, final, dead } as const
  const rows: Readonly<Record<string, readonly [times: Partial<Vault>, steps: string]>> = {
    'not yet to be renewed': [{ refreshAt: now + 1, expiresAt: now + minute }, 'use use use use use use use sign-in'],
    'to be renewed': [{ refreshAt: now, expiresAt: now + minute }, 'fetch use fetch use fetch use use sign-in'],
    'good for the last time': [
      { refreshAt: now, expiresAt: now + second + 1 },
      'fetch use fetch use fetch use use sign-in',
    ],
    'over by the time that it is used': [
      { refreshAt: now, expiresAt: now + second },
      'fetch wait fetch cool-down fetch wait sign-in sign-in',
    ],
    'over for long': [{ refreshAt: 0, expiresAt: 0 }, 'fetch wait fetch cool-down fetch wait sign-in sign-in'],
  }
  for (const [name, [times, steps]] of Object.entries(rows)) {
    test(`nextStep of a token ${name}: ${steps}`, () => {
      const taken = Object.values(columns).map((state) => nextStep(vaultOf({ ...times, ...state }), now))
      assert.equal(taken.join(' '), steps)
    })
  }
})

// --- changes --------------------------------------------------------------------------------------------------------

describe('changes', () => {
  const busy = vaultOf({ leaseUntil: now + 5, failures: 2, retryAt: now - 5 })

  test('a lease lasts longer than any request to a provider', () => {
    assert.deepEqual(takeLease(now), { set: { leaseUntil: now + leaseMs }, remove: [] })
    assert.ok(leaseMs >= (3 + 1) * timeoutSeconds * second, 'discovery, answer and keys, and our secret before them')
  })

  test('renewTokens releases the lease and clears the failures', () => {
    const lifetime = { expiresInSeconds: 600, isRefreshable: true }
    assert.deepEqual(renewTokens(busy, 'fresh', lifetime, now), {
      set: { sealed: 'fresh', isRefreshable: true, refreshAt: now + 540 * second, expiresAt: now + 600 * second },
      remove: ['leaseUntil', 'failures', 'retryAt'],
    })
  })

  test('coolDown releases the lease, counts the failure and keeps the tokens', () => {
    assert.deepEqual(coolDown(busy, 0, now), {
      set: { failures: 3, retryAt: now + 4 * second },
      remove: ['leaseUntil'],
    })
  })

  test('dropTokens removes the tokens', () => {
    const after = changedVault(busy, dropTokens())
    assert.equal(after.sealed, undefined)
    assert.equal(after.isRefreshable, false)
    for (const gone of ['sealed', 'leaseUntil', 'failures', 'retryAt']) assert.ok(!(gone in after), gone)
  })

  test("the back-off doubles from 1 s, or is the provider's Retry-After, up to a minute", () => {
    const waits = Array.from({ length: 9 }, (_, failures) => coolDown(vaultOf({ failures }), 0, now).set.retryAt! - now)
    assert.deepEqual(
      waits.map((ms) => ms / second),
      [1, 2, 4, 8, 16, 32, 60, 60, 60],
    )
    const told = [0, 1, 9, 60, 300].map((seconds) => coolDown(vaultOf(), seconds, now).set.retryAt! - now)
    assert.deepEqual(
      told.map((ms) => ms / second),
      [1, 1, 9, 60, 60],
    )
  })

  test('the back-off never shrinks and never exceeds a minute', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000 }), fc.nat(1_000_000), (failures, retryAfterSeconds) => {
        const wait = coolDown(vaultOf({ failures }), retryAfterSeconds, now).set.retryAt! - now
        const next = coolDown(vaultOf({ failures: failures + 1 }), retryAfterSeconds, now).set.retryAt! - now
        assert.ok(wait >= second && wait <= next && next <= minute)
      }),
    )
  })
})

// --- lifetimes ------------------------------------------------------------------------------------------------------

describe('how long tokens last', () => {
  const opened = (lifetime: TokenLifetime) => createVault(openingOf(), 'sealed', lifetime, now)
  const timesOf = (lifetime: TokenLifetime) => {
    const { refreshAt, expiresAt } = opened(lifetime)
    return [(refreshAt - now) / second, (expiresAt - now) / second]
  }
  const end = openingOf().expires - now / second

  test('a new vault has revision 1 and no lease', () => {
    const { id, sid, writeId, expires, application } = openingOf()
    assert.deepEqual(opened({ expiresInSeconds: 300, isRefreshable: true }), {
      ...{ sid, id, version: 1, application, revision: 1, writeId, expires, sealed: 'sealed', isRefreshable: true },
      ...{ refreshAt: now + 240 * second, expiresAt: now + 300 * second },
    })
  })

  test('tokens are refreshed a minute before they expire, or in the last fifth of their lifetime', () => {
    assert.deepEqual(timesOf({ expiresInSeconds: 3_600, isRefreshable: true }), [3_540, 3_600])
    assert.deepEqual(timesOf({ expiresInSeconds: 300, isRefreshable: true }), [240, 300])
    assert.deepEqual(timesOf({ expiresInSeconds: 10, isRefreshable: true }), [8, 10])
    assert.deepEqual(timesOf({ expiresInSeconds: 1, isRefreshable: true }), [0.8, 1])
  })

  test('B8 tokens without expires_in are refreshed after five minutes, or used to the end if they cannot be refreshed', () => {
    assert.deepEqual(timesOf({ isRefreshable: true }), [240, 300])
    assert.deepEqual(timesOf({ isRefreshable: false }), [end, end])
    assert.equal(nextStep(opened({ isRefreshable: false }), now + 86_400 * second), 'use')
    assert.deepEqual(timesOf({ expiresInSeconds: 300, isRefreshable: false }), [240, 300])
  })

  test('a token that outlives its session is used for as long as the session', () => {
    for (const expiresInSeconds of [end + 1, 1e12, Number.MAX_VALUE]) {
      assert.deepEqual(timesOf({ expiresInSeconds, isRefreshable: true }), [end - 60, end])
    }
  })

  test("whatever lifetime a provider sends, the vault's times are ordered and fit into the table", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), fc.boolean(), (told, isRefreshable) => {
        const { refreshAt, expiresAt } = opened({ expiresInSeconds: Math.floor(told), isRefreshable })
        assert.ok(Number.isSafeInteger(expiresAt) && Number.isSafeInteger(refreshAt))
        assert.ok(now <= refreshAt && refreshAt <= expiresAt)
      }),
    )
  })

  test('a vault is kept for a day longer than the longest session of its code', () => {
    assert.equal(vaultExpires(900, 1_000, false, now + 1), now / second + 1 + 900 + 1_000 + 86_400)
    assert.equal(vaultExpires(900, 1_000, true, now + 1), now / second + 1 + 900 + 1_000 + 9 * 86_400)
  })
})

// --- walks ----------------------------------------------------------------------------------------------------------

type Outcome = 'refreshed' | 'unreachable' | 'refused'
/** A caller looks, acts upon what it saw, and hears from the provider; or dies. Each at a moment of its own. */
type Move =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'look' | 'act' | 'die'; readonly caller: number }
  | { readonly do: 'hear'; readonly caller: number; readonly outcome: Outcome; readonly seconds: number }

const callers = 4
const caller = fc.nat(callers - 1)
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 999, 5_000, 25_000, 70_000) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('look' as const, 'act' as const), caller }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), caller }) },
  {
    weight: 5,
    arbitrary: fc.record({
      ...{ do: fc.constant('hear' as const), caller },
      outcome: fc.constantFrom<Outcome>('refreshed', 'refreshed', 'refreshed', 'unreachable', 'refused'),
      seconds: fc.constantFrom(1, 5, 60, 300),
    }),
  },
)

type Caller = { seen?: Vault; asking?: { readonly held: Vault; readonly since: number; readonly turn: number } }
type World = {
  vault: Vault
  now: number
  writes: number
  turns: number
  storedTurn: number
  readonly callers: Caller[]
}

/** As the store does it: over the very revision that was seen, or not at all. */
function swap(world: World, seen: Vault, change: VaultChange): boolean {
  if (world.vault.revision !== seen.revision) return false
  world.vault = changedVault(seen, change)
  world.writes += 1
  return true
}

function hear(world: World, asked: Caller, { outcome, seconds }: Move & { do: 'hear' }): boolean {
  const { held, since, turn } = asked.asking!
  delete asked.asking
  if (outcome === 'unreachable') return swap(world, held, coolDown(held, seconds, world.now))
  if (outcome === 'refused') return swap(world, held, dropTokens())
  const lifetime = { expiresInSeconds: seconds, isRefreshable: true }
  if (!swap(world, held, renewTokens(held, `tokens of turn ${turn}`, lifetime, since))) return false
  assert.ok(turn > world.storedTurn, 'older tokens were written over newer ones')
  world.storedTurn = turn
  return true
}

function act(world: World, acting: Caller): Step | undefined {
  const { seen } = acting
  delete acting.seen
  if (seen === undefined) return undefined
  const step = nextStep(seen, world.now)
  if (step !== 'fetch' || !swap(world, seen, takeLease(world.now))) return step
  world.turns += 1
  acting.asking = { held: world.vault, since: world.now, turn: world.turns }
  return step
}

function make(world: World, taken: Move): Step | undefined {
  if (taken.do === 'wait') {
    world.now += taken.ms
    return undefined
  }
  const one = world.callers[taken.caller]!
  switch (taken.do) {
    case 'look':
      if (one.asking === undefined) one.seen = world.vault
      return undefined
    case 'act':
      return act(world, one)
    case 'die':
      world.callers[taken.caller] = {}
      return undefined
    case 'hear':
      if (one.asking !== undefined) hear(world, one, taken)
      return undefined
  }
}

function walked(look: (before: Vault, world: World, taken: Move, step: Step | undefined) => void): void {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80, size: 'max' }), (moves) => {
      const vault = vaultOf({ refreshAt: now, expiresAt: now + minute })
      const all = Array.from({ length: callers }, () => ({}))
      const world: World = { vault, now, writes: 0, turns: 0, storedTurn: 0, callers: all }
      for (const taken of moves) {
        const before = world.vault
        look(before, world, taken, make(world, taken))
      }
    }),
    { numRuns: 1_000 },
  )
}

describe('several callers over one vault', () => {
  test('B1 no two callers ask the provider at a time, unless the first lease has ended', () => {
    walked((_, { callers, now: at }) => {
      const within = callers.filter(({ asking }) => asking !== undefined && asking.since + leaseMs > at)
      assert.ok(within.length <= 1, `${within.length} ask at once`)
    })
  })

  test('the revision of a vault increases by one with each write', () => {
    walked((before, { vault, writes }) => {
      assert.equal(vault.revision, 1 + writes)
      assert.ok(vault === before || vault.revision === before.revision + 1)
    })
  })

  test('B2 a caller whose lease has ended does not replace newer tokens', () => {
    walked((before, { vault, storedTurn }) => {
      if (vault.sealed !== undefined && storedTurn > 0) assert.equal(vault.sealed, `tokens of turn ${storedTurn}`)
      if (before.sealed === undefined) assert.equal(vault.sealed, undefined)
    })
  })

  test('B5 after the provider has refused, no caller asks it again', () => {
    walked((before, { vault }, taken, step) => {
      if (before.sealed !== undefined) return
      assert.ok(
        step !== 'fetch' || vault.revision === before.revision,
        'what was seen before is refused by its revision',
      )
      if (taken.do === 'look') assert.equal(nextStep(vault, Number.MAX_SAFE_INTEGER), 'sign-in')
    })
  })

  test('B10 no caller asks the provider during the back-off', () => {
    walked((before, { vault, now: at }, { do: did }) => {
      const began = did === 'act' && vault.leaseUntil !== undefined && vault.revision > before.revision
      if (began) assert.ok(at >= (before.retryAt ?? 0) && at >= (before.leaseUntil ?? 0))
    })
  })

  test('the random walks over a vault meet every step, and late callers', () => {
    const met = new Set<string>()
    walked((before, { vault, storedTurn, turns }, taken, step) => {
      if (step !== undefined) met.add(step)
      if (storedTurn > 2) met.add('far')
      if (taken.do === 'hear' && turns > storedTurn + 1 && vault === before) met.add('late')
    })
    for (const expected of ['use', 'fetch', 'wait', 'cool-down', 'sign-in', 'far', 'late']) {
      assert.ok(met.has(expected), expected)
    }
  })
})
