/**
 * The family: one session, from its first code to its last refresh token (RFC 9700 §4.14.2). People and ops see it as a session.
 *
 *     device flow: create ─► pending ──decide──► approved ──redeem──► active(1) ──rotate──► active(2) ─► …
 *                            │ ▲ └──decide──► denied  ▲
 *                            └─┘ recordPoll           │
 *     code flow:   create ────────────────────────────┘
 *
 *     pending, approved, active ──revoke, by reuse too──► revoked
 *
 * Expiry is not a state. It is a comparison with the clock, so nothing has to be written for a family to expire.
 */

import type { RevocationDue } from './due-revocation.ts'

export type FamilyState = 'pending' | 'approved' | 'denied' | 'active' | 'revoked'

/** Why a family was revoked: reuse of a spent credential, a request of its client, an order of ops, or a refusal by its provider. */
export type RevocationReason = 'reuse' | 'client' | 'ops' | 'provider'

/** The person who signed in, with the provider's claims as the application maps them. */
export type Person = {
  readonly sub: string
  /** Claims that userinfo may release, without `sub`. */
  readonly claims: Readonly<Record<string, string | boolean | number>>
  /** `auth_time` of the provider, seconds since the epoch (OIDC Core §2); absent: the provider does not say. */
  readonly authTimeSeconds?: number
  /** `acr` of the provider (OIDC Core §2); absent: the provider does not say. */
  readonly acr?: string
}

/** Times are milliseconds since the epoch unless the name says otherwise. */
export type Family = {
  /** Public id, 16 bytes in base64url. */
  readonly sid: string
  /** The layout of the item. */
  readonly version: 1
  readonly application: string
  readonly clientId: string
  readonly flow: 'device' | 'code'
  readonly state: FamilyState
  /** How often a credential was exchanged. 0: a code is outstanding; n ≥ 1: the n-th refresh token is. */
  readonly generation: number
  /** SHA-256 of the salt in the family's credentials, base64url. */
  readonly saltHash: string
  /** The id of the last write: a retry that finds its own id knows that it succeeded. */
  readonly writeId: string
  /** The id of the write before that: a retry that finds its own id here succeeded, and another write followed. */
  readonly previousWriteId?: string
  /** The granted scopes, in the order of the request. */
  readonly scopes: readonly string[]
  /** The granted audiences, normalised (audience.ts). */
  readonly audiences: readonly string[]
  readonly createdAt: number
  /** The IP address that started the flow, for ops. */
  readonly startedFrom: string
  /** When the code (generation 0) expires; absent from the first refresh on. */
  readonly codeExpiresAt?: number
  /** The absolute lifetime from redeem on. Without `offline_access` it is that of the access token. */
  readonly sessionLifetimeMs?: number
  /** The session's lifetime plus the retention of the item, for the TTL that redeem sets. */
  readonly lingerSeconds?: number

  /** The interval between two polls; while a device flow is pending. */
  readonly pollIntervalMs?: number
  /** The earliest time for the next poll, less the tolerance for jitter. */
  readonly nextPollAt?: number

  /** From approval on. */
  readonly person?: Person
  /** The key of the index `by-subject` (`subjectKey`). */
  readonly subject?: string
  /** Keyed hash of the e-mail address, the key of the index `by-email`; absent without an address or a lookup key. */
  readonly byEmail?: string

  /** The id of the vault with the provider's tokens of this sign-in; absent if they are not stored. */
  readonly vault?: string
  /** The provider's device code, sealed, while the person uses the provider's device flow. */
  readonly deviceLogin?: string
  /** The family is revoked, and the provider must still be told: from when on. */
  readonly revocationDue?: RevocationDue

  /** Of an authorization request, until the first refresh. */
  readonly redirectUri?: string
  readonly codeChallenge?: string
  readonly nonce?: string

  /** When the current generation began; from redeem on. */
  readonly rotatedAt?: number
  /** The absolute end of the session. Redeem sets it, and no refresh extends it. */
  readonly absoluteExpiresAt?: number

  readonly revokedAt?: number
  readonly revokedReason?: RevocationReason
  /** The ARN of the operator who revoked it. */
  readonly revokedBy?: string
  /** The operator's note. */
  readonly revokedNote?: string

  /** DynamoDB's TTL, seconds since the epoch. No decision depends on it. */
  readonly expires: number
}

/** The limits that a client's registration sets for its families. */
export type Limits = {
  readonly accessTokenSeconds: number
  readonly idleSeconds: number
  readonly absoluteSeconds: number
  readonly graceSeconds: number
}

/** An item is kept for a day after its end, so that late callers and ops still learn how it ended. */
export const retentionSeconds = 86_400

/** Key of the index `by-subject`. An application's name holds no space, so no two pairs have the same key. */
export function subjectKey(application: string, sub: string): string {
  return `${application} ${sub}`
}

/** The `sub` of the person; undefined before sign-in. It is read from the key, because a revocation by ops removes `person`. */
export function subOf({ application, subject }: Family): string | undefined {
  return subject?.slice(subjectKey(application, '').length)
}

/**
 * Whether an access token of the family is still good: the family is active, not revoked, and within its absolute lifetime.
 * The idle limit does not count, because it bounds the next refresh and not access tokens that are already issued.
 *
 * @param revokedBefore ops have revoked families created up to then, ms
 */
export function isLive(family: Family, revokedBefore: number, now: number): boolean {
  return family.state === 'active' && family.createdAt > revokedBefore && (family.absoluteExpiresAt ?? 0) > now
}
