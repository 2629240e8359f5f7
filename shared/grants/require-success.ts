/**
 * What follows a transition that was refused.
 *
 * Owns that reuse is the death of the family, and what is told of it to whom. Must not know which grant asked.
 */

import type { Family } from '../domain/family.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { VerifiedCredential } from '../domain/single-use.ts'
import { revoke } from '../domain/transitions.ts'
import { audit, type ClientCall, momentOf } from '../http/call.ts'
import { grantError, type OAuthError } from '../http/errors.ts'
import { endProviderTokens } from '../sessions/end-provider-tokens.ts'
import type { Outcome } from '../store/families.ts'

/**
 * The family that a transition led to.
 *
 * @throws {OAuthError} as the refusal says, once a reused family has been revoked
 */
export async function requireSuccess(
  call: ClientCall,
  credential: VerifiedCredential,
  outcome: Outcome,
): Promise<Family> {
  if (outcome.done) return outcome.family
  throw await refuse(call, credential, outcome.refusal)
}

/** The error that answers a refused credential, once it has had its consequences. */
export async function refuse(call: ClientCall, credential: VerifiedCredential, refusal: Refusal): Promise<OAuthError> {
  if (refusal.kind === 'reuse') await revokeReusedFamily(call, credential, refusal)
  if (refusal.kind === 'foreign-client') {
    audit(call, 'credential.foreign', { level: 'warn', sid: credential.sid, generation: credential.generation })
  }
  return grantError(refusal)
}

/** If this write fails, the caller is told to come again, and finds the same reuse. */
async function revokeReusedFamily(
  call: ClientCall,
  credential: VerifiedCredential,
  refusal: Refusal & { kind: 'reuse' },
): Promise<void> {
  const moment = momentOf(call)
  const { revokeTokens } = call.application.provider
  const outcome = await call.parts.families.apply(revoke(credential, 'reuse', moment, revokeTokens))
  audit(call, 'session.reuse_detected', {
    level: 'warn',
    sid: credential.sid,
    sub: outcome.family?.person?.sub,
    generation: credential.generation,
    reason: outcome.done ? `session ended at generation ${refusal.generation}` : 'revoked already',
  })
  if (outcome.done) await endProviderTokens(call, outcome.family)
}
