/**
 * A device code that is used up at the provider, while our own is pending still.
 *
 * Owns the transition that follows, and what a poll is told that asked the provider while others moved the family on. Pure.
 * Must not know when the provider is asked. The provider gives its tokens once, and a poll that was given them may have
 * been overtaken:
 *
 *     poll A    touch ──asks──► tokens ················ decide: approved, its time is back     answer: pending
 *     poll B            touch ──asks──► used up, lapse                                         answer: pending
 *     poll C                                                                touch: decided     answer: tokens
 *
 *     poll A    touch ──asks──► tokens, and dies
 *     poll B            touch ──asks──► used up, lapse                                         answer: pending
 *     poll C                                            touch ························ over: answer: expired
 */

import type { Family } from './family.ts'
import type { Guard } from './guard.ts'
import type { Refusal } from './refusal.ts'
import { ofApplication } from './single-use.ts'
import type { Moment, Transition } from './transitions.ts'

/** Nobody's call is on the way for so long: a function's time is over sooner, and clocks differ by less than the rest. */
export const maxRequestMs = 25_000

/**
 * The provider says that its device code is used up or expired. It gives its tokens once, so another poll may have them,
 * and be about to write what was decided. Whoever it is came before this answer did: the device code of ours ends when
 * they must have written, or cannot any more; and nobody asks the provider again.
 *
 * @param now after the provider's answer
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
      // It ends sooner by itself, or somebody has heard the same before.
      { attribute: 'codeExpiresAt', is: '>', value: codeExpiresAt, onFailure: supersededByConcurrentPoll },
    ],
    set: { writeId, codeExpiresAt },
    remove: ['deviceLogin'],
  }
}

/**
 * What a poll is told that came when the device code was unspent, while others moved the family on. It is no reuse; and what
 * there is to redeem is left to the next poll, for the caller may have given up on this one. If the tokens are out, a client
 * that was given them polls no more. One that was not does, and that poll is reuse: so who had them instead is found out.
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

/** A redemption by a poll that found the device code unspent: whoever redeems it in between has overtaken this one. */
export function unlessSuperseded(redemption: Transition): Transition {
  const forgiving = (guard: Guard): Guard => ({
    ...guard,
    onFailure: (family) => {
      const verdict = guard.onFailure(family)
      return verdict.kind === 'reuse' ? supersededByConcurrentPoll(family) : verdict
    },
  })
  return { ...redemption, guards: redemption.guards.map(forgiving) }
}
