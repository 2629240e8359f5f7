/** What must accompany a credential: redirect URI and verifier of a code, the granted scopes of a refresh. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCodeFamily } from '../../shared/domain/new-family.ts'
import type { CodeBinding } from '../../shared/domain/single-use.ts'
import { increaseInterval, redeem, revoke, rotate } from '../../shared/domain/transitions.ts'
import {
  active,
  binding,
  codeIssued,
  credential,
  now,
  pending,
  person,
  policy,
  revoked,
  saltHash,
  second,
  sid,
} from '../support/families.ts'
import { step } from '../support/memory.ts'

const moment = { now, writeId: 'this write' }
const inGrace = { ...policy, graceSeconds: 10 }

const { codeChallenge: _, ...unproven } = binding
const { codeChallenge: __, ...plainFamily } = codeIssued()
const wrongBindings: readonly [string, typeof plainFamily & { codeChallenge?: string }, CodeBinding, string][] = [
  ['another redirect_uri', codeIssued(), { ...binding, redirectUri: `${binding.redirectUri}/` }, 'redirect-mismatch'],
  ['another verifier', codeIssued(), { ...binding, codeChallenge: 'd'.repeat(43) }, 'verifier-mismatch'],
  ['no verifier where there is a challenge', codeIssued(), unproven, 'verifier-mismatch'],
  ['a verifier where there is no challenge', plainFamily, binding, 'verifier-mismatch'],
]

for (const [name, family, shownWith, refusal] of wrongBindings) {
  test(`an authorization code with ${name} is refused and unspent`, () => {
    const done = step(redeem(credential(0), policy, shownWith, moment), family)
    assert.deepEqual(done, { moved: false, verdict: { kind: refusal } })
  })

  test(`a grace retry of a code with ${name} is refused`, () => {
    const exchanged = { ...family, ...active(1), codeChallenge: family.codeChallenge, flow: 'code' } as const
    const kept = Object.fromEntries(Object.entries(exchanged).filter(([, value]) => value !== undefined))
    const done = step(redeem(credential(0), inGrace, shownWith, moment), {
      ...kept,
      redirectUri: family.redirectUri,
    } as typeof family)
    assert.deepEqual(done, { moved: false, verdict: { kind: refusal } })
  })
}

test('a code without a challenge is exchanged without a verifier', () => {
  assert.ok(step(redeem(credential(0), policy, unproven, moment), plainFamily).moved)
})

test('a grace retry of a code with the right binding gets the same successor', () => {
  const done = step(redeem(credential(0), inGrace, binding, moment), active(1, { ...binding, flow: 'code' }))
  assert.deepEqual(done, { moved: false, verdict: { kind: 'grace-retry' } })
})

test('a refresh may request fewer scopes than granted, in any order', () => {
  assert.ok(step(rotate(credential(7), policy, { scopes: ['email', 'openid'] }, moment), active(7)).moved)
})

test('a refresh with a scope that was not granted is refused and spends nothing', () => {
  const done = step(rotate(credential(7), policy, { scopes: ['openid', 'admin'] }, moment), active(7))
  assert.deepEqual(done, { moved: false, verdict: { kind: 'scope-widened' } })
})

test('a grace retry with a scope that was not granted is refused', () => {
  const done = step(rotate(credential(6), inGrace, { scopes: ['admin'] }, moment), active(7))
  assert.deepEqual(done, { moved: false, verdict: { kind: 'scope-widened' } })
})

test('a spent refresh token with a wider scope is reuse', () => {
  const done = step(rotate(credential(5), inGrace, { scopes: ['admin'] }, moment), active(7))
  assert.deepEqual(done, { moved: false, verdict: { kind: 'reuse', generation: 7 } })
})

test('an access token can revoke its family without the salt', () => {
  const entitlement = { application: 'demo', clientId: 'cli', sid }
  assert.ok(step(revoke(entitlement, 'client', moment), active(7)).moved)
  assert.deepEqual(step(revoke({ ...entitlement, clientId: 'job' }, 'client', moment), active(7)), {
    moved: false,
    verdict: { kind: 'foreign-client' },
  })
})

test('a second revocation does not replace the first reason', () => {
  const done = step(revoke(credential(3), 'reuse', moment), active(7))
  assert.ok(done.moved)
  assert.equal(done.family.revokedReason, 'reuse')
  assert.deepEqual(step(revoke(credential(3), 'reuse', moment), revoked()), {
    moved: false,
    verdict: { kind: 'revoked' },
  })
})

test('slow_down adds five seconds each time, up to a minute', () => {
  let family = pending()
  const intervals: (number | undefined)[] = []
  for (let count = 0; count < 14; count += 1) {
    const done = step(
      increaseInterval(credential(0), family.pollIntervalMs ?? 0, { now, writeId: `writeId ${count}` }),
      family,
    )
    assert.ok(done.moved)
    family = done.family
    intervals.push(family.pollIntervalMs)
    assert.equal(family.nextPollAt, now + (family.pollIntervalMs ?? 0) - second)
  }
  assert.deepEqual(
    intervals,
    [10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 60, 60, 60].map((seconds) => seconds * second),
  )
})

test('a session without refresh tokens lasts as long as its access token', () => {
  const opening = {
    ...{ sid, saltHash, application: 'demo', clientId: 'web', audiences: policy.audiences, startedFrom: '192.0.2.7' },
    ...{ codeLifetimeSeconds: 60, limits: policy, person, redirectUri: binding.redirectUri, now, writeId: 'opened' },
  }
  const lifetime = (scopes: readonly string[]) => {
    const family = createCodeFamily({ ...opening, scopes })
    const done = step(redeem(credential(0, { clientId: 'web' }), policy, unproven, moment), family)
    return done.moved && (done.family.absoluteExpiresAt ?? 0) - now
  }
  assert.equal(lifetime(['openid']), 60 * second)
  assert.equal(lifetime(['openid', 'offline_access']), 1000 * second)
})
