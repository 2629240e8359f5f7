/**
 * The vault: the provider's tokens of one sign-in, and who may go and fetch fresh ones.
 *
 * Owns when tokens are stale, the lease, the back-off, and each change a vault can go through. Pure. Must not know how
 * tokens are sealed, the provider or the table. Every change is written only over the very revision that was looked at,
 * so a decision made here still holds when it is written, and a holder who comes too late changes nothing:
 *
 *     caller A    leased (1→2) ──asks the provider──────────────── renewed (2→3)
 *     caller B                  waits and reads ···································· uses 3
 *
 *     caller A    leased (1→2) ──dies, or hangs ························· renewed (2→3): refused, 3 is B's
 *     caller B                     waits … lease over, leased (2→3) ──asks── renewed (3→4)
 */

import { retentionSeconds } from './family.ts'

/** Times are milliseconds since the epoch unless the name says otherwise. */
export type Vault = {
  /** Of the family that it belongs to. */
  readonly sid: string
  /** Of the sign-in: the family names the one whose tokens count. */
  readonly id: string
  /** Of the item's layout. */
  readonly version: 1
  readonly application: string
  /** One more at each write. */
  readonly revision: number
  /** Of the last write: a retry that meets its own id knows that it won. */
  readonly writeId: string
  /** The tokens; absent once the provider has refused them for good. */
  readonly sealed?: string
  /** Whether there is a refresh token to fetch others with. */
  readonly isRefreshable: boolean
  /** From when on fresh ones should be fetched. */
  readonly refreshAt: number
  /** When the access token ends. */
  readonly expiresAt: number
  /** While somebody is fetching. */
  readonly leaseUntil?: number
  /** How often in a row the provider could not be asked. */
  readonly failures?: number
  /** Until when it is not asked again. */
  readonly retryAt?: number
  /** When DynamoDB may clean the item up, seconds since the epoch. */
  readonly expires: number
}

/** What a vault's attributes become. */
export type VaultChange = {
  readonly set: Partial<Vault>
  readonly remove: readonly (keyof Vault)[]
}

/** A provider that does not say how long its token lasts (RFC 6749 §5.1 only recommends it) is asked again soon. */
const defaultLifetimeSeconds = 300
/** Fresh ones are fetched this long before the end, or a fifth of the lifetime where that is less. */
const maxAheadMs = 60_000
/** What ends within this time has ended by the time that it is used. */
const expiryMarginMs = 1_000
/**
 * Longer than a provider can keep its holder: discovery, the answer and the keys of its ID token take 5 s each at most, and
 * reading our secret there about as long. Whoever took over sooner would send a refresh token that has been used.
 */
export const leaseMs = 25_000
const minCoolDownMs = 1_000
const maxCoolDownMs = 60_000

/** How long the provider's tokens last. @property expiresInSeconds as it said; absent: it did not */
export type TokenLifetime = { readonly expiresInSeconds?: number | undefined; readonly isRefreshable: boolean }

/** A vault for the tokens of a sign-in. @property keptForSeconds as long as its family may live */
export type NewVault = Pick<Vault, 'sid' | 'id' | 'application' | 'writeId' | 'expires'>

export function createVault(opening: NewVault, sealed: string, lifetime: TokenLifetime, now: number): Vault {
  const { sid, id, application, writeId, expires } = opening
  return {
    ...{ sid, id, version: 1, application, revision: 1, writeId, expires, sealed },
    ...timesOf(lifetime, expires * 1000, now),
  }
}

/** When a vault of a family that lives so long may be cleaned up, seconds since the epoch. */
export function vaultExpires(codeLifetimeSeconds: number, absoluteSeconds: number, now: number): number {
  return Math.ceil(now / 1000) + codeLifetimeSeconds + absoluteSeconds + retentionSeconds
}

function timesOf({ expiresInSeconds, isRefreshable }: TokenLifetime, end: number, now: number) {
  // One that cannot be replaced, and of which no end was told, is good for as long as the provider takes it.
  if (expiresInSeconds === undefined && !isRefreshable) return { isRefreshable, refreshAt: end, expiresAt: end }
  const lifetimeMs = (expiresInSeconds ?? defaultLifetimeSeconds) * 1000
  // A provider may say anything; nobody asks after the session's end, and the table holds no number of any size.
  const expiresAt = Math.min(now + lifetimeMs, end)
  return { isRefreshable, refreshAt: expiresAt - Math.min(maxAheadMs, lifetimeMs / 5), expiresAt }
}

// --- what to do -----------------------------------------------------------------------------------------------------

/** `wait`: somebody else is fetching. `cool-down`: the provider failed a moment ago. `sign-in`: only a person can help. */
export type Step = 'use' | 'fetch' | 'wait' | 'cool-down' | 'sign-in'

/** What a caller who needs the access token does with a vault that it has just read. */
export function nextStep(vault: Vault, now: number): Step {
  if (vault.sealed === undefined) return 'sign-in'
  if (now < vault.refreshAt) return 'use'
  // Towards its end a token is still good for whoever need not fetch the next one.
  const orUse = (otherwise: Step): Step => (now < vault.expiresAt - expiryMarginMs ? 'use' : otherwise)
  if (!vault.isRefreshable) return orUse('sign-in')
  if (now < (vault.leaseUntil ?? 0)) return orUse('wait')
  if (now < (vault.retryAt ?? 0)) return orUse('cool-down')
  return 'fetch'
}

// --- changes --------------------------------------------------------------------------------------------------------

/** Whoever writes this over a vault that nobody holds goes and asks the provider; nobody else does meanwhile. */
export function takeLease(now: number): VaultChange {
  return { set: { leaseUntil: now + leaseMs }, remove: [] }
}

/** @param now before the provider was asked, so that its time on the way does not count for the token */
export function renewTokens(vault: Vault, sealed: string, lifetime: TokenLifetime, now: number): VaultChange {
  const times = timesOf(lifetime, vault.expires * 1000, now)
  return { set: { sealed, ...times }, remove: ['leaseUntil', 'failures', 'retryAt'] }
}

/** The provider could not be asked: it is left in peace for a while, twice as long each time. */
export function coolDown(vault: Vault, providerRetryAfterSeconds: number, now: number): VaultChange {
  const failures = (vault.failures ?? 0) + 1
  const coolDownMs = Math.min(minCoolDownMs * 2 ** Math.min(failures - 1, 10), maxCoolDownMs)
  const retryAt = now + Math.max(coolDownMs, Math.min(providerRetryAfterSeconds * 1000, maxCoolDownMs))
  return { set: { failures, retryAt }, remove: ['leaseUntil'] }
}

/** The provider refused the refresh token (RFC 6749 §5.2 invalid_grant): it is not asked again. */
export function dropTokens(): VaultChange {
  return { set: { isRefreshable: false }, remove: ['sealed', 'leaseUntil', 'failures', 'retryAt'] }
}
