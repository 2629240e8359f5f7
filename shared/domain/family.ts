/**
 * The family: one session, everything that came of one sign-in.
 *
 * Owns what a family is and the words for its states. Must not know the table, tokens, HTTP or the clock; how it moves
 * is shared/domain/transitions.ts.
 *
 *     device: open ─► pending ──decide──► approved ──redeem──► active(1) ──rotate──► active(2) ─► …
 *                        │  └──decide──► denied        ▲            │ revoke, reuse
 *     code:              └ touch (polls)     open ─────┘            ▼
 *                                                                revoked
 *
 * Expired is not a state but a comparison with the clock, so nothing has to happen for a family to expire.
 */

export type FamilyState = 'pending' | 'approved' | 'denied' | 'active' | 'revoked'

/** Why a family was revoked: a spent credential was shown again, its client asked for it, ops did, or its provider refuses it. */
export type RevocationReason = 'reuse' | 'client' | 'ops' | 'provider'

/** Who signed in, as the provider told it and the application maps it. */
export type Person = {
  readonly sub: string
  /** Claims that userinfo may tell, `sub` apart. */
  readonly claims: Readonly<Record<string, string | boolean>>
  /** When they signed in at the provider, seconds since the epoch (OIDC Core §2, auth_time); absent: it does not say. */
  readonly authTimeSeconds?: number
  /** How they signed in there, in the provider's own words (OIDC Core §2, acr); absent: it does not say. */
  readonly acr?: string
}

/** Times are milliseconds since the epoch unless the name says otherwise. */
export type Family = {
  /** Public id, 16 bytes in base64url. */
  readonly sid: string
  /** Of the item's layout. */
  readonly version: 1
  readonly application: string
  readonly clientId: string
  readonly flow: 'device' | 'code'
  readonly state: FamilyState
  /** How often the credential was exchanged: 0 = a code is out, n ≥ 1 = the n-th refresh token is. */
  readonly generation: number
  /** SHA-256 of the salt that the family's credentials carry, base64url. */
  readonly saltHash: string
  /** Of the write that made the item what it is: a retry that meets its own id knows that it won. */
  readonly writeId: string
  /** Of the write before that: so does a retry that comes when somebody else has moved the family on already. */
  readonly previousWriteId?: string
  /** As granted, in the order asked for. */
  readonly scopes: readonly string[]
  /** What its access tokens are for, in their compared form (shared/domain/audience.ts). */
  readonly audiences: readonly string[]
  readonly createdAt: number
  /** The address the flow was started from, for ops. */
  readonly startedFrom: string
  /** When the first credential (generation 0) ends; until the first refresh. */
  readonly codeExpiresAt?: number
  /** How long the session may last from its first tokens on; no longer than they do where no refresh token comes of it. */
  readonly sessionLifetimeMs?: number
  /** That, and as long as the item is kept afterwards. */
  readonly lingerSeconds?: number

  /** While a device flow is pending. */
  readonly pollIntervalMs?: number
  /** The earliest poll that is not too early, the tolerance for jitter taken off. */
  readonly nextPollAt?: number

  /** From approval on. */
  readonly person?: Person
  /** Application and sub in one, the key of the index `by-subject`. */
  readonly subject?: string
  /** Keyed hash of the person's e-mail address, the key of the index `by-email`; where the application keeps one. */
  readonly byEmail?: string

  /** Names the vault that holds the provider's tokens of this sign-in, where they are kept. */
  readonly vault?: string
  /** The provider's own device code, sealed, while people go through its device flow. */
  readonly deviceLogin?: string
  /** Revoked here, and still to be revoked at the provider. */
  readonly revocationDue?: 'provider'

  /** Of an authorization request, until the first refresh. */
  readonly redirectUri?: string
  readonly codeChallenge?: string
  readonly nonce?: string

  /** When the current generation was made, from redeem on. */
  readonly rotatedAt?: number
  /** Fixed at redeem; no refresh moves it. */
  readonly absoluteExpiresAt?: number

  readonly revokedAt?: number
  readonly revokedReason?: RevocationReason
  /** Who of ops it was, an ARN. */
  readonly revokedBy?: string
  /** What ops had to say about it. */
  readonly revokedNote?: string

  /** When DynamoDB may clean the item up, seconds since the epoch. Nothing is ever decided by it. */
  readonly expires: number
}

/** The limits that a client's registration sets for its families. */
export type Limits = {
  readonly accessTokenSeconds: number
  readonly idleSeconds: number
  readonly absoluteSeconds: number
  readonly graceSeconds: number
}

/** An item outlives its last use by a day, so that late callers and ops still learn how it ended. */
export const retentionSeconds = 86_400

/** Key of the index `by-subject`. A space cannot stand in an application's name, so two pairs never collide. */
export function subjectKey(application: string, sub: string): string {
  return `${application} ${sub}`
}

/** Who signed in; undefined as long as nobody has. The key outlives the person's claims, which a revocation by ops takes off. */
export function subOf({ application, subject }: Family): string | undefined {
  return subject?.slice(subjectKey(application, '').length)
}

/**
 * Whether what the family was granted still stands: exchanged, not revoked, and not past its absolute end.
 * The idle limit is not looked at, for it bounds the next refresh and not the access token that is out already.
 *
 * @param revokedBefore families created up to then are revoked by ops, ms
 */
export function isLive(family: Family, revokedBefore: number, now: number): boolean {
  return family.state === 'active' && family.createdAt > revokedBefore && (family.absoluteExpiresAt ?? 0) > now
}
