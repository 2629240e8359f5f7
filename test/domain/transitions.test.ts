/** Every transition against every state of a family, as one table of results and refusals. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { expireDeviceCode, maxRequestMs } from '../../shared/domain/expire-device-code.ts'
import type { Family } from '../../shared/domain/family.ts'
import type { SessionPolicy, VerifiedCredential } from '../../shared/domain/single-use.ts'
import {
  decide,
  explain,
  increaseInterval,
  recordPoll,
  redeem,
  revoke,
  rotate,
  type Transition,
} from '../../shared/domain/transitions.ts'
import {
  active,
  approved,
  binding,
  codeIssued,
  credential,
  denied,
  now,
  pending,
  person,
  policy,
  revoked,
  second,
  sid,
} from '../support/families.ts'
import { step } from '../support/memory.ts'

/** A family, and what its holder shows of it. */
type Situation = {
  readonly family: Family | undefined
  /** The refresh token that `rotate` and `revoke` are shown. */
  readonly refreshToken: number
  readonly by?: Partial<VerifiedCredential>
  readonly held?: Partial<SessionPolicy>
}

const grace = { graceSeconds: 10 }
const situations = {
  'no such family': { family: undefined, refreshToken: 1 },
  'pending, poll due': { family: pending(), refreshToken: 1 },
  'pending, poll too early': { family: pending({ nextPollAt: now + 1 }), refreshToken: 1 },
  'pending, code about to expire': { family: pending({ codeExpiresAt: now + maxRequestMs }), refreshToken: 1 },
  'pending, code expired': { family: pending({ codeExpiresAt: now }), refreshToken: 1 },
  'pending, ended by ops': { family: pending(), refreshToken: 1, held: { revokedBefore: now } },
  denied: { family: denied(), refreshToken: 1 },
  'denied, code expired': { family: denied({ codeExpiresAt: now }), refreshToken: 1 },
  approved: { family: approved(), refreshToken: 1 },
  'approved, code expired': { family: approved({ codeExpiresAt: now }), refreshToken: 1 },
  'approved, ended by ops': { family: approved(), refreshToken: 1, held: { revokedBefore: now } },
  'authorization code out': { family: codeIssued(), refreshToken: 1 },
  'authorization code expired': { family: codeIssued({ codeExpiresAt: now }), refreshToken: 1 },
  'active, first generation': { family: active(1), refreshToken: 1 },
  'active, later generation': { family: active(7), refreshToken: 7 },
  'first generation, its code in grace': { family: active(1), refreshToken: 1, held: grace },
  'predecessor shown, no grace': { family: active(7), refreshToken: 6 },
  'predecessor shown in grace': { family: active(7), refreshToken: 6, held: grace },
  'predecessor shown, grace over': {
    family: active(7, { rotatedAt: now - 10 * second }),
    refreshToken: 6,
    held: grace,
  },
  'predecessor shown in grace, idle too long': {
    family: active(7),
    refreshToken: 6,
    held: { ...grace, idleSeconds: 3 },
  },
  'predecessor shown in grace, past its end': {
    family: active(7, { absoluteExpiresAt: now }),
    refreshToken: 6,
    held: grace,
  },
  'predecessor shown in grace, ended by ops': {
    family: active(7),
    refreshToken: 6,
    held: { ...grace, revokedBefore: now },
  },
  'successor used, all within grace': { family: active(8), refreshToken: 6, held: grace },
  'ancestor shown': { family: active(7), refreshToken: 2 },
  'ahead of the table': { family: active(7), refreshToken: 8 },
  'idle too long': { family: active(7, { rotatedAt: now - 100 * second }), refreshToken: 7 },
  'past its absolute end': { family: active(7, { absoluteExpiresAt: now }), refreshToken: 7 },
  'active, ended by ops': { family: active(7), refreshToken: 7, held: { revokedBefore: now } },
  'revoked by its client': { family: revoked(), refreshToken: 3 },
  'revoked after reuse': { family: revoked({ revokedReason: 'reuse' }), refreshToken: 3 },
  'revoked, predecessor shown in grace': { family: revoked(), refreshToken: 2, held: grace },
  'revoked while it waited': { family: { ...denied(), state: 'revoked' }, refreshToken: 1 },
  'pending, another client shows it': { family: pending(), refreshToken: 1, by: { clientId: 'job' } },
  'active, another client shows it': { family: active(7), refreshToken: 7, by: { clientId: 'job' } },
  'ancestor, another client shows it': { family: active(7), refreshToken: 2, by: { clientId: 'job' } },
  'pending, another application': { family: pending(), refreshToken: 1, by: { application: 'other' } },
  'active, another application': { family: active(7), refreshToken: 7, by: { application: 'other' } },
  'pending, salt not its own': { family: pending(), refreshToken: 1, by: { saltHash: 'x' } },
  'active, salt not its own': { family: active(7), refreshToken: 2, by: { saltHash: 'x' } },
} satisfies Record<string, Situation>

const columns = [
  'recordPoll',
  'increaseInterval',
  'expireDeviceCode',
  'approve',
  'deny',
  'redeem',
  'rotate',
  'revoke',
] as const
type Column = (typeof columns)[number]

/** In the order of the columns. `moves`: it happens; `grace-retry`: nothing is written and the answer is the same again. */
const verdicts: Record<keyof typeof situations, string> = {
  'no such family': 'unknown unknown unknown unknown unknown unknown unknown unknown',
  'pending, poll due': 'moves moves moves moves moves pending unknown moves',
  'pending, poll too early': 'too-early moves moves moves moves pending unknown moves',
  'pending, code about to expire': 'moves moves pending moves moves pending unknown moves',
  'pending, code expired':
    'expired-device-code moves pending expired-device-code expired-device-code pending unknown moves',
  'pending, ended by ops': 'revoked moves moves moves moves pending unknown moves',
  denied: 'denied decided denied decided decided denied unknown revoked',
  'denied, code expired': 'denied decided denied decided decided denied unknown revoked',
  approved: 'decided decided pending decided decided moves unknown moves',
  'approved, code expired': 'expired-device-code decided pending decided decided expired-device-code unknown moves',
  'approved, ended by ops': 'decided decided pending decided decided revoked unknown moves',
  'authorization code out': 'decided decided pending decided decided moves unknown moves',
  'authorization code expired': 'expired-device-code decided pending decided decided expired unknown moves',
  'active, first generation': 'reuse decided pending decided decided reuse moves moves',
  'active, later generation': 'reuse decided pending decided decided reuse moves moves',
  'first generation, its code in grace': 'grace-retry decided pending decided decided grace-retry moves moves',
  'predecessor shown, no grace': 'reuse decided pending decided decided reuse reuse moves',
  'predecessor shown in grace': 'reuse decided pending decided decided reuse grace-retry moves',
  'predecessor shown, grace over': 'reuse decided pending decided decided reuse reuse moves',
  'predecessor shown in grace, idle too long': 'reuse decided pending decided decided reuse expired moves',
  'predecessor shown in grace, past its end': 'reuse decided pending decided decided reuse expired moves',
  'predecessor shown in grace, ended by ops': 'reuse decided pending decided decided reuse revoked moves',
  'successor used, all within grace': 'reuse decided pending decided decided reuse reuse moves',
  'ancestor shown': 'reuse decided pending decided decided reuse reuse moves',
  'ahead of the table': 'reuse decided pending decided decided reuse unknown moves',
  'idle too long': 'reuse decided pending decided decided reuse expired moves',
  'past its absolute end': 'reuse decided pending decided decided reuse expired moves',
  'active, ended by ops': 'reuse decided pending decided decided reuse revoked moves',
  'revoked by its client': 'revoked decided revoked decided decided revoked revoked revoked',
  'revoked after reuse': 'revoked decided revoked decided decided revoked revoked revoked',
  'revoked, predecessor shown in grace': 'revoked decided revoked decided decided revoked revoked revoked',
  'revoked while it waited': 'revoked decided revoked decided decided revoked revoked revoked',
  'pending, another client shows it':
    'foreign-client foreign-client moves moves moves foreign-client foreign-client foreign-client',
  'active, another client shows it':
    'foreign-client foreign-client pending decided decided foreign-client foreign-client foreign-client',
  'ancestor, another client shows it':
    'foreign-client foreign-client pending decided decided foreign-client foreign-client foreign-client',
  'pending, another application': 'unknown unknown unknown unknown unknown unknown unknown unknown',
  'active, another application': 'unknown unknown unknown unknown unknown unknown unknown unknown',
  'pending, salt not its own': 'unknown unknown moves moves moves unknown unknown unknown',
  'active, salt not its own': 'unknown unknown pending decided decided unknown unknown unknown',
}

const writeId = 'this write'
const moment = { now, writeId }

function transitionOf(column: Column, { family, refreshToken, by = {}, held = {} }: Situation): Transition {
  const limits = { ...policy, ...held }
  const application = by.application ?? 'demo'
  switch (column) {
    case 'recordPoll':
      return recordPoll(credential(0, by), limits, moment)
    case 'increaseInterval':
      return increaseInterval(credential(0, by), 5 * second, moment)
    case 'expireDeviceCode':
      return expireDeviceCode(application, sid, moment)
    case 'approve':
      return decide(application, sid, { approve: person }, moment)
    case 'deny':
      return decide(application, sid, { deny: true }, moment)
    case 'redeem':
      return redeem(credential(0, by), limits, family?.flow === 'code' ? binding : undefined, moment)
    case 'rotate':
      return rotate(credential(refreshToken, by), limits, {}, moment)
    case 'revoke':
      return revoke(credential(refreshToken, by), 'client', moment)
  }
}

/** What each transition makes of the family that it moves; all else of it stays as it is. */
const effects: Record<Column, (family: Family, situation: Situation) => Partial<Record<keyof Family, unknown>>> = {
  recordPoll: () => ({ nextPollAt: now + 4 * second }),
  increaseInterval: () => ({ pollIntervalMs: 10 * second, nextPollAt: now + 9 * second }),
  expireDeviceCode: () => ({ codeExpiresAt: now + maxRequestMs }),
  approve: ({ writeId: previousWriteId }) => ({
    previousWriteId,
    state: 'approved',
    person,
    subject: 'demo ada',
    pollIntervalMs: undefined,
    nextPollAt: undefined,
  }),
  deny: ({ writeId: previousWriteId }) => ({
    previousWriteId,
    state: 'denied',
    pollIntervalMs: undefined,
    nextPollAt: undefined,
  }),
  redeem: ({ writeId: previousWriteId }) => ({
    previousWriteId,
    state: 'active',
    generation: 1,
    rotatedAt: now,
    absoluteExpiresAt: now + 1000 * second,
    expires: now / 1000 + 1000 + 60 + 86_400,
  }),
  rotate: ({ writeId: previousWriteId, generation }) => ({
    previousWriteId,
    generation: generation + 1,
    rotatedAt: now,
    ...(generation === 1 && {
      codeExpiresAt: undefined,
      redirectUri: undefined,
      codeChallenge: undefined,
      nonce: undefined,
      sessionLifetimeMs: undefined,
      lingerSeconds: undefined,
    }),
  }),
  revoke: () => ({
    state: 'revoked',
    revokedAt: now,
    revokedReason: 'client',
    pollIntervalMs: undefined,
    nextPollAt: undefined,
    previousWriteId: undefined,
  }),
}

for (const [name, situation] of Object.entries<Situation>(situations)) {
  describe(name, () => {
    const expected = verdicts[name as keyof typeof situations].split(' ')
    for (const [at, column] of columns.entries()) {
      test(`${column}: ${expected[at]}`, () => {
        const done = step(transitionOf(column, situation), situation.family)
        assert.equal(done.moved ? 'moves' : done.verdict.kind, expected[at])
        if (!done.moved) return
        const { family } = situation
        assert.ok(family)
        const effect = { ...family, writeId, ...effects[column](family, situation) }
        assert.deepEqual(
          done.family,
          Object.fromEntries(Object.entries(effect).filter(([, value]) => value !== undefined)),
        )
      })
    }
  })
}

test('the table covers every state and every transition', () => {
  const states = Object.values<Situation>(situations).map(({ family }) => family?.state)
  assert.deepEqual([...new Set(states)].sort(), ['active', 'approved', 'denied', 'pending', 'revoked', undefined])
  const names = columns.map((column) => transitionOf(column, situations.approved).name)
  assert.deepEqual(
    [...new Set(names)],
    ['recordPoll', 'increaseInterval', 'expireDeviceCode', 'decide', 'redeem', 'rotate', 'revoke'],
  )
})

describe('explain', () => {
  test('explain: an own write that another write followed is superseded, and no reuse', () => {
    for (const column of ['approve', 'deny', 'redeem', 'rotate'] as const) {
      const transition = transitionOf(column, situations.approved)
      assert.deepEqual(explain(transition, active(9, { previousWriteId: writeId })), { kind: 'superseded' }, column)
    }
  })

  test('explain: a poll whose answer was lost while the person approved is decided, and redeems', () => {
    const polled = step(transitionOf('recordPoll', situations.approved), pending())
    assert.ok(polled.moved)
    const decided = step(decide('demo', sid, { approve: person }, { now, writeId: 'the decision' }), polled.family)
    assert.ok(decided.moved)
    assert.deepEqual(explain(transitionOf('recordPoll', situations.approved), decided.family), { kind: 'decided' })
  })

  test('explain: throws if every guard holds', () => {
    const transition = transitionOf('rotate', situations['active, later generation'])
    assert.throws(() => explain(transition, active(7)), /the condition of rotate failed though each guard holds/)
  })

  test("explain: reuse has the family's generation, and too-early the interval", () => {
    const reuse = step(transitionOf('rotate', situations['ancestor shown']), active(7))
    assert.deepEqual(reuse, { moved: false, verdict: { kind: 'reuse', generation: 7 } })
    const early = step(transitionOf('recordPoll', situations.approved), pending({ nextPollAt: now + 1 }))
    assert.deepEqual(early, { moved: false, verdict: { kind: 'too-early', pollIntervalMs: 5 * second } })
  })

  test('explain: a second early poll at the same moment sees the increased interval', () => {
    const slowed = step(transitionOf('increaseInterval', situations.approved), pending({ pollIntervalMs: 10 * second }))
    assert.deepEqual(slowed, { moved: false, verdict: { kind: 'too-early', pollIntervalMs: 10 * second } })
  })
})
