/**
 * What a family knows of its provider: the vault of its sign-in, the device login it waits for, and that its end is still
 * to be told. And what a caller who has to ask the provider first can foresee.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
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
  test('is gone once the person has decided, and the approval names the vault', () => {
    const waiting = pending({ deviceLogin: 'sealed' })
    const approval = changed(decide('demo', sid, { approve: person, vault }, moment), waiting)
    assert.deepEqual([approval.state, approval.vault, approval.deviceLogin], ['approved', vault, undefined])
    const denial = changed(decide('demo', sid, { deny: true }, moment), waiting)
    assert.ok(!('vault' in denial) && !('deviceLogin' in denial))
  })

  test('whose tokens are not kept leaves no name of a vault', () => {
    assert.ok(!('vault' in changed(decide('demo', sid, { approve: person, vault: undefined }, moment), pending())))
  })

  test('that is used up there ends here when nobody can be on the way with its tokens, and is not asked for again', () => {
    const lapsing = changed(expireDeviceCode('demo', sid, moment), pending({ deviceLogin: 'sealed' }))
    assert.deepEqual([lapsing.state, lapsing.codeExpiresAt], ['pending', now + maxRequestMs])
    assert.ok(!('deviceLogin' in lapsing))
    const again = step(expireDeviceCode('demo', sid, { now: now + 1, writeId: 'the next' }), lapsing)
    assert.deepEqual(again, { moved: false, verdict: { kind: 'pending' } }, 'it is not put off')
  })

  test('that lapses has its time back with the approval, which is the one that was on the way', () => {
    const waiting = pending({ deviceLogin: 'sealed' })
    const { codeExpiresAt } = waiting
    const lapsing = changed(expireDeviceCode('demo', sid, moment), waiting)
    const approval = changed(decide('demo', sid, { approve: person, codeExpiresAt }, moment), lapsing)
    assert.deepEqual([approval.state, approval.codeExpiresAt], ['approved', codeExpiresAt])
    const denial = changed(decide('demo', sid, { deny: true }, moment), lapsing)
    assert.equal(denial.codeExpiresAt, lapsing.codeExpiresAt)
  })

  test('that others have decided meanwhile is no reuse for whoever asked, whatever became of it', () => {
    const kinds = [pending(), approved(), denied(), active(1), revoked()].map(
      (family) => supersededByConcurrentPoll(family).kind,
    )
    assert.deepEqual(kinds, ['pending', 'pending', 'denied', 'pending', 'revoked'])
  })

  test('that somebody else redeems first is no reuse by a poll that found it unspent, and a refusal stays what it is', () => {
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

  test('is good for its successor once more within the grace, for a poll that was overtaken, too', () => {
    const redemption = redeem(credential(0), { ...policy, graceSeconds: 10 }, undefined, moment)
    assert.deepEqual(step(unlessSuperseded(redemption), active(1)), { moved: false, verdict: { kind: 'grace-retry' } })
  })

  test('is gone at the end of the family, too', () => {
    const waiting = pending({ deviceLogin: 'sealed' })
    const ends = [revoke(credential(0), 'client', moment), revokeByOps('demo', sid, { actor: 'ada' }, moment)]
    for (const end of ends) assert.ok(!('deviceLogin' in changed(end, waiting)))
  })

  test('stays through the first refresh and all that follow: a session keeps its vault', () => {
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
    test(`${name} is marked in the very write that is the end, and otherwise not`, () => {
      for (const family of [pending(), approved(), active(3, { vault })]) {
        const { revocationDue, ...rest } = changed(end(true), family)
        assert.equal(revocationDue, 'provider')
        assert.deepEqual(changed(end(), family), rest)
        assert.deepEqual(changed(end(false), family), rest)
        assert.equal(rest.vault, family.vault, 'by which its tokens are found')
      }
    })

    test(`${name} comes once: a family that has ended is not marked afterwards`, () => {
      for (const family of [revoked(), revoked({ revocationDue: 'provider' })]) {
        assert.deepEqual(step(end(true), family), { moved: false, verdict: { kind: 'revoked' } })
      }
    })
  }

  test('once told leaves neither the mark nor the name of the vault, and the end stands', () => {
    const { revocationDue: _, vault: __, ...rest } = revoked({ revocationDue: 'provider', vault })
    const told = step(markProviderNotified(sid, 'told'), { ...rest, revocationDue: 'provider', vault })
    assert.deepEqual(told, { moved: true, family: { ...rest, writeId: 'told' } })
  })

  test('is told once: nothing moves where there is no mark, whatever the state', () => {
    for (const family of [pending(), denied(), approved(), active(3), revoked()]) {
      assert.deepEqual(step(markProviderNotified(sid, 'told'), family), { moved: false, verdict: { kind: 'revoked' } })
    }
    assert.deepEqual(step(markProviderNotified(sid, 'told'), undefined), { moved: false, verdict: { kind: 'unknown' } })
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

  test('is what the write itself would meet: no refusal where it would hold or be a grace retry', () => {
    for (const family of families) {
      for (const transition of transitions) {
        const done = step(transition, family)
        const refusal = done.moved || done.verdict.kind === 'grace-retry' ? undefined : done.verdict
        assert.deepEqual(precheck(transition, family), refusal)
      }
    }
  })

  test('covers grace retries, reuse and each end', () => {
    const kinds = families.flatMap((family) => transitions.map((transition) => precheck(transition, family)?.kind))
    for (const kind of [undefined, 'unknown', 'reuse', 'expired', 'revoked', 'foreign-client', 'scope-widened'])
      assert.ok(kinds.includes(kind as (typeof kinds)[number]), kind)
    assert.equal(precheck(rotate(credential(6), grace, {}, moment), active(7)), undefined)
  })

  test('is not misled by an attempt that looks like its own: nothing has been written yet', () => {
    const family = active(7, { writeId: moment.writeId })
    assert.deepEqual(precheck(rotate(credential(2), policy, {}, moment), family), { kind: 'reuse', generation: 7 })
  })
})
