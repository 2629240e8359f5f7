/**
 * The rules that a credential must meet to move a family on: it is the family's own, it is the current one, and it is in
 * time.
 *
 * Owns single use, grace and lifetimes, each as guards. Pure. Which transition asks for which is transitions.ts.
 */

import { maxAudiences, normalisedAudience } from './audience.ts'
import type { Family, Limits } from './family.ts'
import type { GraceRetry, Guard } from './guard.ts'
import { firstFailure } from './guard.ts'
import type { Refusal } from './refusal.ts'

/** An authentic credential, as shared/domain/credential.ts opened it. */
export type VerifiedCredential = {
  readonly application: string
  readonly clientId: string
  readonly sid: string
  readonly generation: number
  readonly saltHash: string
}

/** What a client's registration says at this moment about the families it holds. */
export type SessionPolicy = Limits & {
  /** The later of the application's and the client's `revokedBefore`, ms. */
  readonly revokedBefore: number
  /** Audiences that the client may ask for. */
  readonly audiences: readonly string[]
}

/** What a token request asks for of all that was granted. Absent or empty: all of it. */
export type RequestedAccess = {
  readonly scopes?: readonly string[] | undefined
  readonly audiences?: readonly string[] | undefined
}

/** What an authorization code must be shown with (RFC 6749 §4.1.3, RFC 7636 §4.5). */
export type CodeBinding = {
  readonly redirectUri: string
  /** S256 of the verifier that was sent; absent: none was sent. */
  readonly codeChallenge?: string | undefined
}

/** What entitles to a revocation: a credential of the family, or an access token's word for its sid and client. */
export type Entitlement = {
  readonly application: string
  readonly clientId: string
  readonly sid: string
  readonly saltHash?: string
}

/** The family is this application's, knows this salt, and is the client's own. */
export function ownedBy(by: Entitlement): Guard[] {
  return [
    ofApplication(by.application),
    ...(by.saltHash === undefined ? [] : [withSalt(by.saltHash)]),
    { attribute: 'clientId', is: '=', value: by.clientId, onFailure: () => ({ kind: 'foreign-client' }) },
  ]
}

export function ofApplication(application: string): Guard {
  return { attribute: 'application', is: '=', value: application, onFailure: () => ({ kind: 'unknown' }) }
}

function withSalt(saltHash: string): Guard {
  return { attribute: 'saltHash', is: '=', value: saltHash, onFailure: () => ({ kind: 'unknown' }) }
}

/**
 * The credential is the family's current one. This is the rule of single use; it is judged by generation, and time only
 * decides whether the grace of the immediate predecessor is still open. `rotatedAt` moves with a rotation alone, so the
 * window does not slide; the successor is unused exactly while the family's generation is the next one.
 *
 * @param refusalInGrace what else stands against a grace retry: it must meet all that the first showing had to meet
 */
export function unspent(
  credential: VerifiedCredential,
  policy: SessionPolicy,
  now: number,
  refusalInGrace: (family: Family) => Refusal | GraceRetry | undefined,
): Guard[] {
  return [
    {
      attribute: 'state',
      is: 'in',
      values: ['pending', 'approved', 'denied', 'active'],
      onFailure: () => ({ kind: 'revoked' }),
    },
    {
      attribute: 'generation',
      is: '=',
      value: credential.generation,
      onFailure: (family) => {
        // Authentic yet ahead of the table: only a table restored from a backup knows less than its callers.
        if (family.generation < credential.generation) return { kind: 'unknown' }
        if (!inGrace(family, credential, policy, now)) return { kind: 'reuse', generation: family.generation }
        const refusal = refusalInGrace(family) ?? firstFailure(withinLimits(policy, now), family)
        return refusal ?? { kind: 'grace-retry' }
      },
    },
  ]
}

/**
 * Whether the successor may be given out once more. Without grace never: two that race read their clocks before either
 * writes, so the loser's may be behind the winner's `rotatedAt`, and the window must not open for it.
 */
function inGrace(
  family: Family,
  credential: VerifiedCredential,
  { graceSeconds }: SessionPolicy,
  now: number,
): boolean {
  const isImmediatePredecessor = family.generation === credential.generation + 1
  return graceSeconds > 0 && isImmediatePredecessor && now < (family.rotatedAt ?? 0) + graceSeconds * 1000
}

/** Not revoked by ops, and neither idle for too long nor past the absolute end. */
export function withinLimits(policy: SessionPolicy, now: number): Guard[] {
  return [
    createdAfter(policy.revokedBefore),
    {
      attribute: 'rotatedAt',
      is: '>',
      value: now - policy.idleSeconds * 1000,
      onFailure: () => ({ kind: 'expired' }),
    },
    { attribute: 'absoluteExpiresAt', is: '>', value: now, onFailure: () => ({ kind: 'expired' }) },
  ]
}

export function createdAfter(revokedBefore: number): Guard {
  return { attribute: 'createdAt', is: '>', value: revokedBefore, onFailure: () => ({ kind: 'revoked' }) }
}

export function codeGuards({ redirectUri, codeChallenge }: CodeBinding): Guard[] {
  const mismatch = () => ({ kind: 'verifier-mismatch' }) as const
  return [
    { attribute: 'redirectUri', is: '=', value: redirectUri, onFailure: () => ({ kind: 'redirect-mismatch' }) },
    // A verifier without a challenge is as wrong as a challenge without its verifier (RFC 9700 §4.8.2, downgrade).
    codeChallenge === undefined
      ? { attribute: 'codeChallenge', is: 'absent', onFailure: mismatch }
      : { attribute: 'codeChallenge', is: '=', value: codeChallenge, onFailure: mismatch },
  ]
}

/** RFC 6749 §6, RFC 8707 §2.2: what is asked for was granted; and what was granted is still the client's to ask for. */
export function requestedAccessGuards(
  { scopes = [], audiences = [] }: RequestedAccess,
  policy: SessionPolicy,
): Guard[] {
  return [
    ...scopes.map(
      (scope): Guard => ({
        attribute: 'scopes',
        is: 'contains',
        value: scope,
        onFailure: () => ({ kind: 'scope-widened' }),
      }),
    ),
    ...(audiences.length > 0 ? audiences.map(grantedAudience) : [stillRegistered(policy)]),
  ]
}

function grantedAudience(audience: string): Guard {
  const value = normalisedAudience(audience)
  return { attribute: 'audiences', is: 'contains', value, onFailure: () => ({ kind: 'audience-widened' }) }
}

/** Without a `resource` the token is for all that was granted, and so none of it may be gone. */
function stillRegistered({ audiences }: SessionPolicy): Guard {
  return {
    attribute: 'audiences',
    is: 'within',
    values: audiences.map(normalisedAudience),
    maxLength: maxAudiences,
    onFailure: () => ({ kind: 'audience-unregistered' }),
  }
}
