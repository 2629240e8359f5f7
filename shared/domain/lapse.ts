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
import type { Refusal } from './refusal.ts'
import { ofApplication } from './single-use.ts'
import type { Moment, Transition } from './transitions.ts'

/** Nobody's call is on the way for so long: a function's time is over sooner, and clocks differ by less than the rest. */
export const longestCallMs = 25_000

/**
 * The provider says that its device code is used up or expired. It gives its tokens once, so another poll may have them,
 * and be about to write what was decided. Whoever it is came before this answer did: the device code of ours ends when
 * they must have written, or cannot any more; and nobody asks the provider again.
 *
 * @param now after the provider's answer
 */
export function lapse(application: string, sid: string, { now, attempt }: Moment): Transition {
  const codeExpiresAt = now + longestCallMs
  return {
    name: 'lapse',
    sid,
    attempt,
    guards: [
      ofApplication(application),
      { attribute: 'state', is: '=', value: 'pending', otherwise: overtaken },
      // It ends sooner by itself, or somebody has heard the same before.
      { attribute: 'codeExpiresAt', is: '>', value: codeExpiresAt, otherwise: overtaken },
    ],
    set: { attempt, codeExpiresAt },
    remove: ['deviceLogin'],
  }
}

/**
 * What a poll is told that asked the provider, while others moved the family on. It came when the device code was unspent,
 * so it is no reuse; and what there is to redeem is left to the next poll, for the caller may have given up on this one.
 */
export function overtaken({ state }: Family): Refusal {
  switch (state) {
    case 'pending':
    case 'approved':
      return { kind: 'pending' }
    case 'denied':
      return { kind: 'denied' }
    case 'active':
      return { kind: 'superseded' }
    case 'revoked':
      return { kind: 'revoked' }
  }
}
