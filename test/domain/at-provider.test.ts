/** The parts of a family that concern its provider: the vault, the device login and the revocation mark; and `precheck`. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { revocationMarks, revocationRetryMs } from '../../shared/domain/due-revocation.ts'
import {
  expireDeviceCode,
  maxRequestMs,
  supersededByConcurrentPoll,
  unlessSuperseded,
} from '../../shared/domain/expire-device-code.ts'
import type { Family } from '../../shared/domain/family.ts'
import {
  decide,
  markProviderNotified,
  postponeRevocation,
  precheck,
  redeem,
  revoke,
  revokeByOps,
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
  sid,
} from '../support/families.ts'
import { changed, step } from '../support/memory.ts'

const moment = { now, writeId: 'this write' }
const vault = 'v'.repeat(11)

describe('a device login at the provider', () => {
  test('a decision removes the device login, and an approval names the vault', () => {
    const waiting = pending({ deviceLogin: 'sealed' })
    const approval = changed(decide('demo', sid, { approve: person, vault }, moment), waiting)
    assert.deepEqual([approval.state, approval.vault, approval.deviceLogin], ['approved', vault, undefined])
    const denial = changed(decide('demo', sid, { deny: true }, moment), waiting)
    assert.ok(!('vault' in denial) && !('deviceLogin' in denial))
  })

  test('an approval without stored tokens names no vault', () => {
    assert.ok(!('vault' in changed(decide('demo', sid, { approve: person, vault: undefined }, moment), pending())))
  })

  test('a device code that is used up at the provider ends once no concurrent poll can hold its tokens', () => {
    const lapsing = changed(expireDeviceCode('demo', sid, moment), pending({ deviceLogin: 'sealed' }))
    assert.deepEqual([lapsing.state, lapsing.codeExpiresAt], ['pending', now + maxRequestMs])
    assert.ok(!('deviceLogin' in lapsing))
    const again = step(expireDeviceCode('demo', sid, { now: now + 1, writeId: 'the next' }), lapsing)
    assert.deepEqual(again, { moved: false, verdict: { kind: 'pending' } }, 'it is not put off')
  })

  test('an approval by a concurrent poll restores the lifetime that expireDeviceCode has cut', () => {
    const waiting = pending({ deviceLogin: 'sealed' })
    const { codeExpiresAt } = waiting
    const lapsing = changed(expireDeviceCode('demo', sid, moment), waiting)
    const approval = changed(decide('demo', sid, { approve: person, codeExpiresAt }, moment), lapsing)
    assert.deepEqual([approval.state, approval.codeExpiresAt], ['approved', codeExpiresAt])
    const denial = changed(decide('demo', sid, { deny: true }, moment), lapsing)
    assert.equal(denial.codeExpiresAt, lapsing.codeExpiresAt)
  })

  test('a poll that loses to a concurrent decision or redemption is no reuse', () => {
    const kinds = [pending(), approved(), denied(), active(1), revoked()].map(
      (family) => supersededByConcurrentPoll(family).kind,
    )
    assert.deepEqual(kinds, ['pending', 'pending', 'denied', 'pending', 'revoked'])
  })

  test('a device code that a concurrent poll redeems first is no reuse, and other refusals are unchanged', () => {
    const redemption = redeem(credential(0), policy, undefined, moment)
    const kind = (family: Family) => (precheck(unlessSuperseded(redemption), family) ?? { kind: 'holds' }).kind
    assert.deepEqual([active(1), active(7), approved()].map(kind), ['pending', 'pending', 'holds'])
    assert.deepEqual([revoked(), denied(), approved({ codeExpiresAt: now }), approved({ clientId: 'job' })].map(kind), [
      'revoked',
      'denied',
      'expired-device-code',
      'foreign-client',
    ])
    assert.equal(precheck(redemption, active(1))?.kind, 'reuse')
  })

  test('a superseded poll gets the successor within the grace', () => {
    const redemption = redeem(credential(0), { ...policy, graceSeconds: 10 }, undefined, moment)
    assert.deepEqual(step(unlessSuperseded(redemption), active(1)), { moved: false, verdict: { kind: 'grace-retry' } })
  })

  test('a revocation removes the device login', () => {
    const waiting = pending({ deviceLogin: 'sealed' })
    const ends = [revoke(credential(0), 'client', moment), revokeByOps('demo', sid, { actor: 'ada' }, moment)]
    for (const end of ends) assert.ok(!('deviceLogin' in changed(end, waiting)))
  })

  test('refreshes keep the name of the vault', () => {
    const redeemed = changed(redeem(credential(0), policy, undefined, moment), approved({ vault }))
    const first = changed(rotate(credential(1), policy, {}, moment), redeemed)
    assert.equal(changed(rotate(credential(2), policy, {}, moment), first).vault, vault)
  })
})

describe('an end that the provider is to hear of', () => {
  const ends: Readonly<Record<string, (atProvider?: boolean) => Transition>> = {
    'by its client': (atProvider) => revoke(credential(3), 'client', moment, atProvider),
    'by reuse': (atProvider) => revoke(credential(3), 'reuse', moment, atProvider),
    'by ops': (atProvider) => revokeByOps('demo', sid, { actor: 'ada', note: 'a laptop was lost' }, moment, atProvider),
  }
  for (const [name, end] of Object.entries(ends)) {
    test(`${name} marks the family for the provider in the same write, if asked to`, () => {
      for (const family of [pending(), approved(), active(3, { vault })]) {
        const { revocationDue, expires, ...rest } = changed(end(true), family)
        assert.deepEqual([revocationDue, expires], ['provider', family.expires + 8 * 86_400])
        assert.deepEqual(changed(end(), family), { ...rest, expires: family.expires })
        assert.deepEqual(changed(end(false), family), { ...rest, expires: family.expires })
        assert.equal(rest.vault, family.vault, 'by which its tokens are found')
      }
    })

    test(`${name} does not mark a family that is already revoked`, () => {
      for (const family of [revoked(), revoked({ revocationDue: 'provider' })]) {
        assert.deepEqual(step(end(true), family), { moved: false, verdict: { kind: 'revoked' } })
      }
    })
  }

  test('markProviderNotified removes the mark and the vault, and the family stays revoked', () => {
    const { revocationDue: _, vault: __, ...rest } = revoked({ revocationDue: 'provider', vault })
    const told = step(markProviderNotified(sid, 'told'), { ...rest, revocationDue: 'provider', vault })
    assert.deepEqual(told, { moved: true, family: { ...rest, writeId: 'told' } })
  })

  test('markProviderNotified changes nothing without a mark, in any state', () => {
    for (const family of [pending(), denied(), approved(), active(3), revoked()]) {
      assert.deepEqual(step(markProviderNotified(sid, 'told'), family), { moved: false, verdict: { kind: 'revoked' } })
    }
    assert.deepEqual(step(markProviderNotified(sid, 'told'), undefined), { moved: false, verdict: { kind: 'unknown' } })
  })
})

describe('a provider that could not be told', () => {
  const due = (family: Family) => ({ ...family, revokedAt: now, revocationDue: family.revocationDue ?? 'provider' })

  test('is told again each time that the session has been over for twice as long, the last time after a week', () => {
    const triesMinutes: number[] = []
    let family: Family = revoked({ revokedAt: now, revocationDue: 'provider' })
    // As retry-revocations runs, every five minutes.
    for (let minutes = 0; minutes < 8 * 24 * 60; minutes += 5) {
      const moment = { now: now + minutes * 60_000, writeId: `after ${minutes}` }
      const { afterMs } = revocationMarks.find(({ due }) => due === family.revocationDue)!
      if (moment.now < now + afterMs) continue
      triesMinutes.push(minutes)
      const postponed = postponeRevocation(due(family), moment)
      if (postponed === undefined) break
      family = changed(postponed, family)
    }
    assert.deepEqual(triesMinutes, [0, 5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240])
    assert.ok(10_240 * 60_000 > revocationRetryMs)
  })

  test('a session that is first told of late is not tried at once again', () => {
    const moment = { now: now + 86_400_000, writeId: 'a day later' }
    const family = revoked({ revokedAt: now, revocationDue: 'provider' })
    assert.equal(changed(postponeRevocation(due(family), moment)!, family).revocationDue, 'provider 2560')
  })

  test('of two concurrent tries, the later one does not postpone again', () => {
    const family = revoked({ revocationDue: 'provider 10' })
    const transition = postponeRevocation(due(revoked()), moment)!
    assert.deepEqual(step(transition, family), { moved: false, verdict: { kind: 'revoked' } })
    assert.deepEqual(step(transition, revoked()), { moved: false, verdict: { kind: 'revoked' } })
  })

  test('markProviderNotified removes every mark', () => {
    for (const { due } of revocationMarks) {
      assert.equal(changed(markProviderNotified(sid, 'told'), revoked({ revocationDue: due })).revocationDue, undefined)
      assert.ok(step(markProviderNotified(sid, 'told'), revoked({ revocationDue: due })).moved)
    }
  })
})

describe('what is foreseen', () => {
  const grace = { ...policy, graceSeconds: 10 }
  const families: readonly (Family | undefined)[] = [
    ...[undefined, pending(), denied(), approved(), codeIssued(), active(1), active(7), revoked()],
    ...[
      active(7, { rotatedAt: now - 100_000 }),
      active(7, { absoluteExpiresAt: now }),
      codeIssued({ codeExpiresAt: now }),
    ],
  ]
  const transitions = [
    ...[1, 2, 6, 7, 8].flatMap((generation) =>
      [policy, grace].map((held) => rotate(credential(generation), held, {}, moment)),
    ),
    ...[undefined, binding].map((bound) => redeem(credential(0), policy, bound, moment)),
    rotate(credential(7, { clientId: 'job' }), policy, {}, moment),
    rotate(credential(7), policy, { scopes: ['admin'] }, moment),
    rotate(credential(7), { ...policy, revokedBefore: now }, {}, moment),
  ]

  test('precheck refuses what the write would refuse, and neither a success nor a grace retry', () => {
    for (const family of families) {
      for (const transition of transitions) {
        const done = step(transition, family)
        const refusal = done.moved || done.verdict.kind === 'grace-retry' ? undefined : done.verdict
        assert.deepEqual(precheck(transition, family), refusal)
      }
    }
  })

  test('precheck covers grace retries, reuse and each way to end', () => {
    const kinds = families.flatMap((family) => transitions.map((transition) => precheck(transition, family)?.kind))
    for (const kind of [undefined, 'unknown', 'reuse', 'expired', 'revoked', 'foreign-client', 'scope-widened'])
      assert.ok(kinds.includes(kind as (typeof kinds)[number]), kind)
    assert.equal(precheck(rotate(credential(6), grace, {}, moment), active(7)), undefined)
  })

  test('precheck does not take a family with its write id for its own success', () => {
    const family = active(7, { writeId: moment.writeId })
    assert.deepEqual(precheck(rotate(credential(2), policy, {}, moment), family), { kind: 'reuse', generation: 7 })
  })
})
