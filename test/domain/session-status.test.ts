import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { subOf } from '../../shared/domain/family.ts'
import { type Registration, type SessionStatus, sessionStatus } from '../../shared/domain/session-status.ts'
import { eraseClaims, revokeByOps } from '../../shared/domain/transitions.ts'
import { active, approved, codeIssued, denied, now, pending, revoked, second, sid } from '../support/families.ts'
import { changed, step } from '../support/memory.ts'

/** Idle ends after 100 s. */
const registration: Registration = {
  application: { revokedBefore: 0 },
  client: { revokedBefore: 0, idleSeconds: 100 },
}
const at = (
  family: Parameters<typeof sessionStatus>[0],
  moment = now,
  more: Partial<Registration> = {},
): SessionStatus => sessionStatus(family, { ...registration, ...more }, moment)
const since = active(3).createdAt

describe('a session that can go on', () => {
  const codeEnd = pending().codeExpiresAt!
  const idleEnd = active(3).rotatedAt! + 100 * second
  const absoluteEnd = active(3).absoluteExpiresAt!
  const rows = [
    ['pending until its code ends', pending(), 'pending', codeEnd],
    ['approved until its code ends', approved(), 'approved', codeEnd],
    ['an authorization code until that ends', codeIssued(), 'approved', codeIssued().codeExpiresAt!],
    ['active until it has been idle for too long', active(3), 'active', idleEnd],
    ['active until its absolute end, if that is earlier', active(3, { rotatedAt: absoluteEnd }), 'active', absoluteEnd],
  ] as const
  for (const [what, family, state, expiresAt] of rows) {
    test(`${what}, to the millisecond, and is expired from then on`, () => {
      assert.deepEqual(at(family, expiresAt - 1), { state, expiresAt })
      assert.deepEqual(at(family, expiresAt), { state: 'expired', expiresAt })
    })
  }

  test("a session's expiry follows the client's limits of now", () => {
    const longer = { client: { revokedBefore: 0, idleSeconds: 200 } }
    assert.equal(at(active(3), idleEnd, longer).state, 'active')
  })
})

describe('a session that has ended', () => {
  test('a revoked session keeps its time and reason, whatever happens later', () => {
    const later = { application: { revokedBefore: now + 1 } }
    const ended = { state: 'revoked', revokedAt: now - second, revokedReason: 'client' }
    assert.deepEqual(at(revoked(), now + 1e12, later), ended)
    assert.deepEqual(at(denied(), now, later), { state: 'denied' })
  })

  test('ops can revoke all earlier sessions of a client or an application', () => {
    const client = (revokedBefore: number) => ({ client: { revokedBefore, idleSeconds: 100 } })
    for (const family of [pending({ createdAt: since }), approved({ createdAt: since }), active(3)]) {
      assert.deepEqual(at(family, now, client(since)), {
        state: 'revoked',
        revokedAt: since,
        revokedReason: 'ops:client',
      })
      assert.notEqual(at(family, now, client(since - 1)).state, 'revoked')
      const all = { application: { revokedBefore: since + 7 } }
      assert.deepEqual(at(family, now, all), {
        state: 'revoked',
        revokedAt: since + 7,
        revokedReason: 'ops:application',
      })
    }
  })

  test('a session that ops revoked twice shows the earlier revocation', () => {
    const both = (application: number, client: number) => ({
      application: { revokedBefore: application },
      client: { revokedBefore: client, idleSeconds: 100 },
    })
    assert.equal(at(active(3), now, both(since + 1, since + 2)).revokedReason, 'ops:application')
    assert.equal(at(active(3), now, both(since + 2, since + 1)).revokedReason, 'ops:client')
    assert.equal(at(active(3), now, both(since + 2, since - 1)).revokedReason, 'ops:application')
  })

  test('a session counts as revoked while its client is not registered', () => {
    const gone = { client: undefined }
    assert.deepEqual(at(active(3), now, gone), { state: 'revoked', revokedReason: 'client-removed' })
    assert.deepEqual(at(denied(), now, gone), { state: 'denied' })
  })
})

describe('revokeByOps', () => {
  const moment = { now, writeId: 'a write' }
  const end = (note?: string, application = 'demo') =>
    revokeByOps(application, sid, { actor: 'arn:aws:iam::1:user/ada', note }, moment)

  for (const family of [pending(), approved(), codeIssued(), active(1), active(7)]) {
    test(`revokeByOps ends a family in state ${family.state}, generation ${family.generation}, with actor and note`, () => {
      const outcome = step(end('laptop lost'), family)
      assert.ok(outcome.moved)
      const { state, revokedAt, revokedReason, revokedNote, person } = outcome.family
      assert.deepEqual([state, revokedAt, revokedReason, revokedNote], ['revoked', now, 'ops', 'laptop lost'])
      assert.equal(person, undefined)
      assert.equal(subOf(outcome.family), family.person?.sub)
    })
  }

  test('revokeByOps needs no note', () => {
    assert.ok(!('revokedNote' in changed(end(), active(3))))
  })

  test("revokeByOps refuses a revoked family, another application's, and a missing one", () => {
    assert.deepEqual(step(end(), revoked()), { moved: false, verdict: { kind: 'revoked' } })
    assert.deepEqual(step(end(), denied()), { moved: false, verdict: { kind: 'revoked' } })
    assert.deepEqual(step(end(undefined, 'other'), active(3)), { moved: false, verdict: { kind: 'unknown' } })
    assert.deepEqual(step(end(), undefined), { moved: false, verdict: { kind: 'unknown' } })
  })
})

describe('eraseClaims', () => {
  test('eraseClaims deletes the claims of a revoked family and nothing else', () => {
    const { person: _, ...rest } = revoked()
    assert.deepEqual(changed(eraseClaims('demo', sid, 'a write'), revoked()), { ...rest, writeId: 'a write' })
  })

  test('eraseClaims changes no family that goes on, and none of another application', () => {
    for (const family of [pending(), approved(), active(3), denied()]) {
      assert.equal(step(eraseClaims('demo', sid, 'a write'), family).moved, false)
    }
    assert.equal(step(eraseClaims('other', sid, 'a write'), revoked()).moved, false)
  })
})
