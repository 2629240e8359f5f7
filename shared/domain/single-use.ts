/** The guards that the transitions share: ownership, single use with its grace, lifetimes, and what a request may ask for. */

import { maxAudiences, normalisedAudience } from './audience.ts'
import type { Family, Limits } from './family.ts'
import type { GraceRetry, Guard } from './guard.ts'
import { firstFailure } from './guard.ts'
import type { Refusal } from './refusal.ts'

/** A credential whose MAC has been verified (credential.ts), and the client that sent it. */
export type VerifiedCredential = {
  readonly application: string
  readonly clientId: string
  readonly sid: string
  readonly generation: number
  readonly saltHash: string
}

/** The rules of the client's registration for its sessions, as they are now. */
export type SessionPolicy = Limits & {
  /** The later of the application's and the client's `revokedBefore`, ms. */
  readonly revokedBefore: number
  /** Audiences that the client may ask for. */
  readonly audiences: readonly string[]
}

/** The part of the grant that a token request asks for (RFC 6749 §6, RFC 8707 §2.2). Absent or empty: all of it. */
export type RequestedAccess = {
  readonly scopes?: readonly string[] | undefined
  readonly audiences?: readonly string[] | undefined
}

/** What must accompany an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5). */
export type CodeBinding = {
  readonly redirectUri: string
  /** S256 of the `code_verifier`; absent: the request has none. */
  readonly codeChallenge?: string | undefined
}

/** What entitles a caller to revoke a family: a verified credential, or the `sid` and `client_id` of a verified access token. */
export type Entitlement = {
  readonly application: string
  readonly clientId: string
  readonly sid: string
  readonly saltHash?: string
}

/** The family belongs to this application and client, and has the credential's salt. */
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
 * Single use: the credential is of the family's current generation (RFC 9700 §4.14.2). The immediate predecessor may be
 * retried within the grace, as long as its successor is unused. Only a rotation sets `rotatedAt`, so a retry does not extend
 * the grace.
 *
 * @param refusalInGrace the other checks of the transition: a grace retry must pass them too
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
        // An authentic credential can be ahead of the table only after a restore from a backup.
        if (family.generation < credential.generation) return { kind: 'unknown' }
        if (!inGrace(family, credential, policy, now)) return { kind: 'reuse', generation: family.generation }
        const refusal = refusalInGrace(family) ?? firstFailure(withinLimits(policy, now), family)
        return refusal ?? { kind: 'grace-retry' }
      },
    },
  ]
}

/**
 * Whether the successor may be returned once more. A grace of 0 must never allow it, even if the loser of a race has a `now`
 * before the winner's `rotatedAt`.
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

/** Not revoked by ops, and within the idle and absolute lifetimes. */
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
    // A verifier without a challenge is refused too, against a PKCE downgrade (RFC 9700 §4.8.2).
    codeChallenge === undefined
      ? { attribute: 'codeChallenge', is: 'absent', onFailure: mismatch }
      : { attribute: 'codeChallenge', is: '=', value: codeChallenge, onFailure: mismatch },
  ]
}

/** RFC 6749 §6, RFC 8707 §2.2: every requested scope and audience was granted. */
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

/** A token without a requested audience is for all that were granted, so all must still be registered for the client. */
function stillRegistered({ audiences }: SessionPolicy): Guard {
  return {
    attribute: 'audiences',
    is: 'within',
    values: audiences.map(normalisedAudience),
    maxLength: maxAudiences,
    onFailure: () => ({ kind: 'audience-unregistered' }),
  }
}
