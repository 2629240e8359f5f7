/**
 * What follows a transition that was refused.
 *
 * Owns that reuse is the death of the family, and what is told of it to whom. Must not know which grant asked.
 */

import { broker } from '../broker.ts'
import type { Family } from '../domain/family.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Presented } from '../domain/single-use.ts'
import { revoke } from '../domain/transitions.ts'
import type { Outcome } from '../store/families.ts'
import { audit, type ClientCall, momentOf } from './call.ts'
import { forgetTokens } from './end-of-session.ts'
import { grantError, type OAuthError } from './errors.ts'

/**
 * The family that a transition led to.
 *
 * @throws {OAuthError} as the refusal says, once a reused family has been revoked
 */
export async function settle(call: ClientCall, presented: Presented, outcome: Outcome): Promise<Family> {
  if (outcome.done) return outcome.family
  throw await refuse(call, presented, outcome.refusal)
}

/** The error that answers a refused credential, once it has had its consequences. */
export async function refuse(call: ClientCall, presented: Presented, refusal: Refusal): Promise<OAuthError> {
  if (refusal.kind === 'reuse') await killFamily(call, presented, refusal)
  if (refusal.kind === 'foreign-client') {
    audit(call, 'credential.foreign', { level: 'warn', sid: presented.sid, generation: presented.generation })
  }
  return grantError(refusal)
}

/** If this write fails, the caller is told to come again, and finds the same reuse. */
async function killFamily(call: ClientCall, presented: Presented, refusal: Refusal & { kind: 'reuse' }): Promise<void> {
  const moment = momentOf(call)
  const { revokeTokens } = call.application.provider
  const outcome = await broker().families.apply(revoke(presented, 'reuse', moment, revokeTokens))
  audit(call, 'session.reuse_detected', {
    level: 'warn',
    sid: presented.sid,
    sub: outcome.family?.person?.sub,
    generation: presented.generation,
    reason: outcome.done ? `session ended at generation ${refusal.generation}` : 'revoked already',
  })
  if (outcome.done) await forgetTokens(call, outcome.family)
}
