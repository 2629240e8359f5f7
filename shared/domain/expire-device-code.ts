/**
 * Polls that overlap while the broker asks a provider's own device flow.
 *
 * The provider gives its tokens once. When it tells poll B that its code is used up, poll A may still be about to write
 * them. So the family stays pending for as long as a request can live:
 *
 *     poll A    recordPoll ──asks──► tokens ················ decide: approved, lifetime restored    answer: pending
 *     poll B            recordPoll ──asks──► used up: expireDeviceCode                              answer: pending
 *     poll C                                                      recordPoll: decided, redeem       answer: tokens
 *
 *     poll A    recordPoll ──asks──► tokens, and the process dies
 *     poll B            recordPoll ──asks──► used up: expireDeviceCode                              answer: pending
 *     poll C                                                      recordPoll: expired               answer: expired
 */

import type { Family } from './family.ts'
import type { Guard } from './guard.ts'
import type { Refusal } from './refusal.ts'
import { ofApplication } from './single-use.ts'
import type { Moment, Transition } from './transitions.ts'

/** Longer than any request can live: 20 s of Lambda timeout plus 5 s of clock skew. */
export const maxRequestMs = 25_000

/**
 * Ends the device code after the provider says that its own is used up or expired. A concurrent poll may hold the provider's
 * tokens, so the code stays valid for `maxRequestMs`: by then that poll has written its decision, or never will. No poll asks
 * the provider again.
 *
 * @param moment with a `now` after the provider's answer
 */
export function expireDeviceCode(application: string, sid: string, { now, writeId }: Moment): Transition {
  const codeExpiresAt = now + maxRequestMs
  return {
    name: 'expireDeviceCode',
    sid,
    writeId,
    guards: [
      ofApplication(application),
      { attribute: 'state', is: '=', value: 'pending', onFailure: supersededByConcurrentPoll },
      // Otherwise the code ends sooner already, by its own lifetime or by an earlier call of this transition.
      { attribute: 'codeExpiresAt', is: '>', value: codeExpiresAt, onFailure: supersededByConcurrentPoll },
    ],
    set: { writeId, codeExpiresAt },
    remove: ['deviceLogin'],
  }
}

/**
 * The answer to a poll that found the device code unspent, and lost to a concurrent poll. That is no reuse. Tokens are left to
 * the next poll, because the caller may have given up on this one. If a thief redeemed the code, the client polls again, and
 * that poll is reuse.
 */
export function supersededByConcurrentPoll({ state }: Family): Refusal {
  switch (state) {
    case 'pending':
    case 'approved':
    case 'active':
      return { kind: 'pending' }
    case 'denied':
      return { kind: 'denied' }
    case 'revoked':
      return { kind: 'revoked' }
  }
}

/** A redemption by a poll that found the device code unspent. If a concurrent poll redeems it first, that is no reuse. */
export function unlessSuperseded(redemption: Transition): Transition {
  const withoutReuse = (guard: Guard): Guard => ({
    ...guard,
    onFailure: (family) => {
      const verdict = guard.onFailure(family)
      return verdict.kind === 'reuse' ? supersededByConcurrentPoll(family) : verdict
    },
  })
  return { ...redemption, guards: redemption.guards.map(withoutReuse) }
}
