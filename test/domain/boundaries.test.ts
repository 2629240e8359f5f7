/** Every limit: one millisecond before, exactly then, and one millisecond after. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Family, isLive } from '../../shared/domain/family.ts'
import {
  decide,
  increaseInterval,
  recordPoll,
  redeem,
  rotate,
  type Transition,
} from '../../shared/domain/transitions.ts'
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
  sid,
} from '../support/families.ts'
import { step } from '../support/memory.ts'

type Limit = {
  readonly transition: Transition
  /** The family when the limit is this many ms away; negative: it has passed. */
  readonly family: (aheadMs: number) => Family
  /** What it is 1 ms before the limit, at the limit, and 1 ms after it. */
  readonly verdicts: readonly [string, string, string]
}

const moment = { now, writeId: 'this write' }
const inGrace = { ...policy, graceSeconds: 10 }
const expires = (aheadMs: number) => ({ codeExpiresAt: now + aheadMs })

const limits: Record<string, Limit> = {
  'a poll that is due': {
    transition: recordPoll(credential(0), policy, moment),
    family: (aheadMs) => pending({ nextPollAt: now + aheadMs }),
    verdicts: ['too-early', 'moves', 'moves'],
  },
  'a device code at a poll': {
    transition: recordPoll(credential(0), policy, moment),
    family: (aheadMs) => pending(expires(aheadMs)),
    verdicts: ['moves', 'expired-device-code', 'expired-device-code'],
  },
  'a device code at a poll after approval': {
    transition: recordPoll(credential(0), policy, moment),
    family: (aheadMs) => approved(expires(aheadMs)),
    verdicts: ['decided', 'expired-device-code', 'expired-device-code'],
  },
  'a device code when its person approves': {
    transition: decide('demo', sid, { approve: person }, moment),
    family: (aheadMs) => pending(expires(aheadMs)),
    verdicts: ['moves', 'expired-device-code', 'expired-device-code'],
  },
  'a device code when its person denies': {
    transition: decide('demo', sid, { deny: true }, moment),
    family: (aheadMs) => pending(expires(aheadMs)),
    verdicts: ['moves', 'expired-device-code', 'expired-device-code'],
  },
  'an approved device code': {
    transition: redeem(credential(0), policy, undefined, moment),
    family: (aheadMs) => approved(expires(aheadMs)),
    verdicts: ['moves', 'expired-device-code', 'expired-device-code'],
  },
  'an authorization code': {
    transition: redeem(credential(0), policy, binding, moment),
    family: (aheadMs) => codeIssued(expires(aheadMs)),
    verdicts: ['moves', 'expired', 'expired'],
  },
  'the idle lifetime': {
    transition: rotate(credential(7), policy, {}, moment),
    family: (aheadMs) => active(7, { rotatedAt: now - 100 * second + aheadMs }),
    verdicts: ['moves', 'expired', 'expired'],
  },
  'the absolute lifetime': {
    transition: rotate(credential(7), policy, {}, moment),
    family: (aheadMs) => active(7, { absoluteExpiresAt: now + aheadMs }),
    verdicts: ['moves', 'expired', 'expired'],
  },
  'the idle lifetime at a grace retry': {
    transition: rotate(credential(6), { ...inGrace, idleSeconds: 4 }, {}, moment),
    family: (aheadMs) => active(7, { rotatedAt: now - 4 * second + aheadMs }),
    verdicts: ['grace-retry', 'expired', 'expired'],
  },
  'the absolute lifetime at a grace retry': {
    transition: rotate(credential(6), inGrace, {}, moment),
    family: (aheadMs) => active(7, { absoluteExpiresAt: now + aheadMs }),
    verdicts: ['grace-retry', 'expired', 'expired'],
  },
  'the absolute lifetime at a grace retry of a device code': {
    transition: recordPoll(credential(0), inGrace, moment),
    family: (aheadMs) => active(1, { absoluteExpiresAt: now + aheadMs }),
    verdicts: ['grace-retry', 'expired', 'expired'],
  },
  'the idle lifetime at a grace retry of an authorization code': {
    transition: redeem(credential(0), { ...inGrace, idleSeconds: 4 }, binding, moment),
    family: (aheadMs) => active(1, { ...binding, flow: 'code', rotatedAt: now - 4 * second + aheadMs }),
    verdicts: ['grace-retry', 'expired', 'expired'],
  },
  'revokedBefore at a grace retry of a device code': {
    transition: redeem(credential(0), { ...inGrace, revokedBefore: now - second }, undefined, moment),
    family: (aheadMs) => active(1, { createdAt: now - second + aheadMs }),
    verdicts: ['grace-retry', 'revoked', 'revoked'],
  },
  'the grace of a refresh token': {
    transition: rotate(credential(6), inGrace, {}, moment),
    family: (aheadMs) => active(7, { rotatedAt: now - 10 * second + aheadMs }),
    verdicts: ['grace-retry', 'reuse', 'reuse'],
  },
  'the grace of a device code': {
    transition: recordPoll(credential(0), inGrace, moment),
    family: (aheadMs) => active(1, { rotatedAt: now - 10 * second + aheadMs }),
    verdicts: ['grace-retry', 'reuse', 'reuse'],
  },
  'the grace of an authorization code': {
    transition: redeem(credential(0), inGrace, binding, moment),
    family: (aheadMs) => active(1, { ...binding, flow: 'code', rotatedAt: now - 10 * second + aheadMs }),
    verdicts: ['grace-retry', 'reuse', 'reuse'],
  },
  'no grace at all, within the millisecond of the rotation': {
    transition: rotate(credential(6), policy, {}, moment),
    family: (aheadMs) => active(7, { rotatedAt: now + aheadMs }),
    verdicts: ['reuse', 'reuse', 'reuse'],
  },
  'revokedBefore at a refresh': {
    transition: rotate(credential(7), { ...policy, revokedBefore: now - second }, {}, moment),
    family: (aheadMs) => active(7, { createdAt: now - second + aheadMs }),
    verdicts: ['moves', 'revoked', 'revoked'],
  },
  'revokedBefore at a poll': {
    transition: recordPoll(credential(0), { ...policy, revokedBefore: now - second }, moment),
    family: (aheadMs) => pending({ createdAt: now - second + aheadMs }),
    verdicts: ['moves', 'revoked', 'revoked'],
  },
  'revokedBefore at an exchange': {
    transition: redeem(credential(0), { ...policy, revokedBefore: now - second }, undefined, moment),
    family: (aheadMs) => approved({ createdAt: now - second + aheadMs }),
    verdicts: ['moves', 'revoked', 'revoked'],
  },
}

for (const [name, { transition, family, verdicts }] of Object.entries(limits)) {
  test(`${name}: ${verdicts.join(', ')}`, () => {
    const met = [1, 0, -1].map((aheadMs) => {
      const done = step(transition, family(aheadMs))
      return done.moved ? 'moves' : done.verdict.kind
    })
    assert.deepEqual(met, verdicts)
  })
}

const incomplete: Record<string, { transition: Transition; family: Family; verdict: object }> = {
  'a device code at a poll after approval': {
    transition: recordPoll(credential(0), policy, moment),
    family: without(approved(), 'codeExpiresAt'),
    verdict: { kind: 'expired-device-code' },
  },
  'the grace of a refresh token': {
    transition: rotate(credential(6), inGrace, {}, moment),
    family: without(active(7), 'rotatedAt'),
    verdict: { kind: 'reuse', generation: 7 },
  },
  'a poll that is due': {
    transition: recordPoll(credential(0), policy, moment),
    family: without(pending(), 'nextPollAt', 'pollIntervalMs'),
    verdict: { kind: 'too-early', pollIntervalMs: 0 },
  },
  'an interval that grows': {
    transition: increaseInterval(credential(0), 5 * second, moment),
    family: without(pending(), 'pollIntervalMs'),
    verdict: { kind: 'too-early', pollIntervalMs: 0 },
  },
}

for (const [name, { transition, family, verdict }] of Object.entries(incomplete)) {
  test(`${name}: an item without that attribute is refused, and nothing is written`, () => {
    assert.deepEqual(step(transition, family), { moved: false, verdict })
  })
}

function without(family: Family, ...attributes: (keyof Family)[]): Family {
  return Object.fromEntries(
    Object.entries(family).filter(([attribute]) => !attributes.includes(attribute as keyof Family)),
  ) as unknown as Family
}

test('two rotations within one millisecond are two generations', () => {
  const first = step(rotate(credential(1), policy, {}, { now, writeId: 'one' }), active(1))
  assert.ok(first.moved)
  const again = step(rotate(credential(2), policy, {}, { now, writeId: 'two' }), first.family)
  assert.ok(again.moved)
  assert.equal(again.family.generation, 3)
  const old = step(rotate(credential(2), policy, {}, { now, writeId: 'three' }), again.family)
  assert.deepEqual(old, { moved: false, verdict: { kind: 'reuse', generation: 3 } })
})

test('isLive: a session is live while active, within its absolute lifetime, and not revoked by ops', () => {
  assert.equal(isLive(active(1), 0, now), true)
  assert.equal(isLive(active(1, { absoluteExpiresAt: now + 1 }), 0, now), true)
  assert.equal(isLive(active(1, { absoluteExpiresAt: now }), 0, now), false)
  assert.equal(isLive(active(1, { createdAt: now }), now - 1, now), true)
  assert.equal(isLive(active(1, { createdAt: now }), now, now), false)
  assert.equal(isLive(active(1, { rotatedAt: 0 }), 0, now), true, 'the idle limit is for the next refresh')
  for (const state of ['pending', 'approved', 'denied', 'revoked'] as const) {
    assert.equal(isLive(active(1, { state }), 0, now), false, state)
  }
  const { absoluteExpiresAt: _, ...endless } = active(1)
  assert.equal(isLive(endless, 0, now), false, 'a family without an end was never exchanged')
})
