/** The consequences of a refused transition: reuse revokes the family, and a refusal becomes an OAuth error. */

import type { Family } from '../domain/family.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { VerifiedCredential } from '../domain/single-use.ts'
import { revoke } from '../domain/transitions.ts'
import { audit, type ClientCall, momentOf } from '../http/call.ts'
import { grantError, type OAuthError } from '../http/errors.ts'
import { endProviderTokens } from '../sessions/end-provider-tokens.ts'
import type { Outcome } from '../store/families.ts'

/**
 * @returns the family after the transition
 * @throws {OAuthError} for a refusal; reuse has revoked the family by then
 */
export async function requireSuccess(
  call: ClientCall,
  credential: VerifiedCredential,
  outcome: Outcome,
): Promise<Family> {
  if (outcome.done) return outcome.family
  throw await refuse(call, credential, outcome.refusal)
}

/** Revokes or audits what a refusal requires. @returns the error to throw */
export async function refuse(call: ClientCall, credential: VerifiedCredential, refusal: Refusal): Promise<OAuthError> {
  if (refusal.kind === 'reuse') await revokeReusedFamily(call, credential, refusal)
  if (refusal.kind === 'foreign-client') {
    audit(call, 'credential.foreign', { level: 'warn', sid: credential.sid, generation: credential.generation })
  }
  return grantError(refusal)
}

/** RFC 9700 §4.14.2. If this write fails, the caller gets a 503, and its retry is reuse again. */
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
