/**
 * The vault: the provider's tokens of one sign-in, the lease to refresh them, and the back-off after a failure.
 *
 * Pure. Each change is written only over the revision that it was decided upon. So a decision still holds when it is
 * written, and a lease holder that comes too late changes nothing:
 *
 *     caller A    takeLease (1→2) ──asks the provider────────── renewTokens (2→3)
 *     caller B                      waits, reads again ························ uses revision 3
 *
 *     caller A    takeLease (1→2) ──dies or hangs ·················· renewTokens (2→3) fails: revision 3 is B's
 *     caller B                      waits, the lease ends: takeLease (2→3) ──asks── renewTokens (3→4)
 */

import { revocationRetentionSeconds } from './due-revocation.ts'
import { retentionSeconds } from './family.ts'

/** Times are milliseconds since the epoch unless the name says otherwise. */
export type Vault = {
  /** The id of its family. */
  readonly sid: string
  /** The id of the sign-in. The family names the vault that counts. */
  readonly id: string
  /** The layout of the item. */
  readonly version: 1
  readonly application: string
  /** Increases by one with each write. */
  readonly revision: number
  /** The id of the last write: a retry that finds its own id knows that it succeeded. */
  readonly writeId: string
  /** The sealed tokens; absent once the provider has refused the refresh token. */
  readonly sealed?: string
  /** Whether there is a refresh token. */
  readonly isRefreshable: boolean
  /** When to refresh the access token. */
  readonly refreshAt: number
  /** When the access token expires. */
  readonly expiresAt: number
  /** The end of the lease, while a caller refreshes the tokens. */
  readonly leaseUntil?: number
  /** How many refreshes in a row have failed. */
  readonly failures?: number
  /** The end of the back-off: the provider is not asked before. */
  readonly retryAt?: number
  /** DynamoDB's TTL, seconds since the epoch. */
  readonly expires: number
}

/** The attributes that a write sets and removes. */
export type VaultChange = {
  readonly set: Partial<Vault>
  readonly remove: readonly (keyof Vault)[]
}

/** For a refreshable access token without `expires_in`, which RFC 6749 §5.1 only recommends. */
const defaultLifetimeSeconds = 300
/** Tokens are refreshed this long before they expire, or a fifth of their lifetime if that is less. */
const maxAheadMs = 60_000
/** A token that expires within this time would be expired when it is used. */
const expiryMarginMs = 1_000
/**
 * Longer than a refresh can take: discovery, the answer and the keys of the ID token take at most 5 s each, and reading the
 * broker's secret about as long. A caller that took over sooner would send a refresh token that is already used.
 */
export const leaseMs = 25_000
const minCoolDownMs = 1_000
const maxCoolDownMs = 60_000

/** @property expiresInSeconds of the access token; absent: the provider did not say */
export type TokenLifetime = { readonly expiresInSeconds?: number | undefined; readonly isRefreshable: boolean }

export type NewVault = Pick<Vault, 'sid' | 'id' | 'application' | 'writeId' | 'expires'>

/** The first revision of a vault, for the tokens of a sign-in. */
export function createVault(opening: NewVault, sealed: string, lifetime: TokenLifetime, now: number): Vault {
  return { ...opening, version: 1, revision: 1, sealed, ...timesOf(lifetime, opening.expires * 1000, now) }
}

/**
 * The TTL of a vault, seconds since the epoch: no session that uses the vault lives longer.
 *
 * @param revokesTokens whether the provider is told of the session's end, which may take until after it
 */
export function vaultExpires(
  codeLifetimeSeconds: number,
  absoluteSeconds: number,
  revokesTokens: boolean,
  now: number,
): number {
  const keptSeconds = retentionSeconds + (revokesTokens ? revocationRetentionSeconds : 0)
  return Math.ceil(now / 1000) + codeLifetimeSeconds + absoluteSeconds + keptSeconds
}

function timesOf({ expiresInSeconds, isRefreshable }: TokenLifetime, end: number, now: number) {
  // Without a refresh token and without a known end, the token is used for as long as the provider accepts it.
  if (expiresInSeconds === undefined && !isRefreshable) return { isRefreshable, refreshAt: end, expiresAt: end }
  const lifetimeMs = (expiresInSeconds ?? defaultLifetimeSeconds) * 1000
  // A provider may send any number. The session's end bounds it, so that it fits into a number of the table.
  const expiresAt = Math.min(now + lifetimeMs, end)
  return { isRefreshable, refreshAt: expiresAt - Math.min(maxAheadMs, lifetimeMs / 5), expiresAt }
}

// --- next step ------------------------------------------------------------------------------------------------------

/**
 * `use`: the access token is good. `fetch`: take the lease and refresh. `wait`: another caller holds the lease. `cool-down`: the
 * provider failed a moment ago. `sign-in`: there is no token until the person signs in again.
 */
export type Step = 'use' | 'fetch' | 'wait' | 'cool-down' | 'sign-in'

/** What a caller that needs the access token does with a vault that it has just read. */
export function nextStep(vault: Vault, now: number): Step {
  if (vault.sealed === undefined) return 'sign-in'
  if (now < vault.refreshAt) return 'use'
  // Until shortly before its end, the token is still good for callers that cannot refresh it.
  const useOr = (step: Step): Step => (now < vault.expiresAt - expiryMarginMs ? 'use' : step)
  if (!vault.isRefreshable) return useOr('sign-in')
  if (now < (vault.leaseUntil ?? 0)) return useOr('wait')
  if (now < (vault.retryAt ?? 0)) return useOr('cool-down')
  return 'fetch'
}

// --- changes --------------------------------------------------------------------------------------------------------

/** Takes the lease. The caller that writes this asks the provider; no other caller does until the lease ends. */
export function takeLease(now: number): VaultChange {
  return { set: { leaseUntil: now + leaseMs }, remove: [] }
}

/**
 * Stores refreshed tokens and releases the lease.
 *
 * @param now before the provider was asked, because the token's lifetime may begin as early as that
 */
export function renewTokens(vault: Vault, sealed: string, lifetime: TokenLifetime, now: number): VaultChange {
  const times = timesOf(lifetime, vault.expires * 1000, now)
  return { set: { sealed, ...times }, remove: ['leaseUntil', 'failures', 'retryAt'] }
}

/** Releases the lease after a failure, and starts a back-off that doubles with each failure in a row, up to a minute. */
export function coolDown(vault: Vault, providerRetryAfterSeconds: number, now: number): VaultChange {
  const failures = (vault.failures ?? 0) + 1
  const coolDownMs = Math.min(minCoolDownMs * 2 ** Math.min(failures - 1, 10), maxCoolDownMs)
  const retryAt = now + Math.max(coolDownMs, Math.min(providerRetryAfterSeconds * 1000, maxCoolDownMs))
  return { set: { failures, retryAt }, remove: ['leaseUntil'] }
}

/** Removes tokens that cannot be refreshed: the provider answered invalid_grant (RFC 6749 §5.2), or they cannot be unsealed. */
export function dropTokens(): VaultChange {
  return { set: { isRefreshable: false }, remove: ['sealed', 'leaseUntil', 'failures', 'retryAt'] }
}
