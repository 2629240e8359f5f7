/**
 * Gets a fresh access token of the provider. However many callers and processes ask at once, one of them refreshes it.
 *
 *     read ─► use                        the access token is good
 *          ─► lease ─► ask the provider  the result is written over the lease, or not at all. While the store fails, it is tried again
 *          ─► wait, read again           another caller holds the lease
 *          ─► 503                        the provider failed a moment ago: back-off
 *          ─► sign in again              the provider refused the refresh token, there is none, or the provider has changed
 */

import type { Application } from '../domain/registration.ts'
import {
  coolDown,
  dropTokens,
  nextStep,
  renewTokens,
  takeLease,
  type Vault,
  type VaultChange,
} from '../domain/vault.ts'
import type { LogEventName } from '../log-events.ts'
import type { Parts } from '../parts.ts'
import { providerOf } from '../providers/index.ts'
import type { RefreshResult } from '../providers/provider.ts'
import { randomId } from '../random.ts'
import type { Swap } from '../store/vaults.ts'
import { Unavailable } from '../unavailable.ts'
import { lifetimeOf, sealTokens, unsealTokens } from './stored-tokens.ts'

export type FreshToken = {
  readonly accessToken: string
  readonly expiresInSeconds: number
  /** The scopes of the token, if the provider named them. */
  readonly scope?: string | undefined
}

/** Writes an event to the audit log. */
export type ReportEvent = (
  event: LogEventName,
  fields: { readonly level: 'info' | 'warn'; readonly reason?: string },
) => void

/** How a call waits. */
export type CallTime = {
  /** The time until the call must have its answer, ms. */
  readonly remainingMs: () => number
  readonly pause: (ms: number) => Promise<unknown>
}

const otherProviderReason = "the tokens are those of the application's former provider, so the new one was not asked"

/** `sign-in`: the person must sign in again. `other-provider`: the same, because the application's provider has changed. */
export type NoToken = 'sign-in' | 'other-provider'

/** The longest wait for another caller's refresh before this caller gets a 503. */
const maxWaitMs = 8_000
const minPauseMs = 40
const maxPauseMs = 400
/** The longest try of a write: the write and its look-up, of about 5 s each. None begins that could outlast the call. */
export const maxStoreTryMs = 10_000
/** The provider's metadata and its answer take 5 s each at most; the rest is the usual time of the writes before and after them. */
const maxFetchMs = 12_000

/**
 * @param found the vault as it was just read
 * @param sub the person's, as the provider must confirm it
 * @throws {Unavailable} nothing is spent, and the caller may try again
 */
export async function freshToken(
  parts: Parts,
  application: Application,
  found: Vault,
  sub: string,
  report: ReportEvent,
  time: CallTime,
): Promise<FreshToken | NoToken> {
  const giveUpAt = Date.now() + maxWaitMs
  let vault: Vault | undefined = found
  for (let pauseMs = minPauseMs; vault !== undefined; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    switch (nextStep(vault, parts.now())) {
      case 'use':
        return tokenIn(parts, application, vault, report)
      case 'sign-in':
        return 'sign-in'
      case 'cool-down':
        throw new Unavailable('provider', undefined, Math.ceil((vault.retryAt! - parts.now()) / 1000))
      case 'wait':
        if (Date.now() > giveUpAt) throw new Unavailable('provider', undefined)
        await time.pause(jittered(pauseMs))
        vault = await parts.vaults.read(vault.sid, vault.id)
        break
      case 'fetch': {
        if (time.remainingMs() < maxFetchMs) throw new Unavailable('provider', undefined)
        const fetched = await refreshUnderLease(parts, application, vault, sub, report, time)
        if (fetched === 'other-provider') return fetched
        if (fetched.isOwn) return tokenIn(parts, application, fetched.vault, report)
        vault = fetched.vault
      }
    }
  }
  return 'sign-in'
}

async function tokenIn(
  parts: Parts,
  application: Application,
  vault: Vault,
  report: ReportEvent,
): Promise<FreshToken | NoToken> {
  const now = parts.now()
  const unsealed = await unsealTokens(parts, application, vault, now)
  if (unsealed === undefined) return 'sign-in'
  if (unsealed === 'other-provider') return reportOtherProvider(report)
  const { accessToken, scope } = unsealed.value
  // Always return `expires_in`, even if the provider omitted it (RFC 6749 §5.1).
  return { accessToken, expiresInSeconds: Math.max(1, Math.floor((vault.expiresAt - now) / 1000)), scope }
}

function reportOtherProvider(report: ReportEvent): 'other-provider' {
  report('provider.changed', { level: 'warn', reason: otherProviderReason })
  return 'other-provider'
}

/** `isOwn`: the vault holds the tokens that this call fetched. Otherwise it is the vault as it is now, if there still is one. */
type RefreshOutcome =
  | { readonly isOwn: true; readonly vault: Vault }
  | { readonly isOwn: false; readonly vault: Vault | undefined }

async function refreshUnderLease(
  parts: Parts,
  application: Application,
  seen: Vault,
  sub: string,
  report: ReportEvent,
  time: CallTime,
): Promise<RefreshOutcome | 'other-provider'> {
  const lease = await parts.vaults.swap(seen, takeLease(parts.now()), randomId())
  if (!lease.swapped) return { isOwn: false, vault: lease.vault }
  const leased = lease.vault
  const before = parts.now()
  const unsealed = await unsealTokens(parts, application, leased, before)
  if (unsealed === 'other-provider') {
    await releaseLease(parts, leased, dropTokens())
    return reportOtherProvider(report)
  }
  // No refresh token, or the key of the seal is gone for good.
  if (unsealed?.value.refreshToken === undefined) return releaseLease(parts, leased, dropTokens())
  const { refreshToken, scope } = unsealed.value
  let result: RefreshResult
  try {
    result = await providerOf(parts, unsealed.application).refresh(refreshToken, sub)
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    report('provider.refresh_failed', { level: 'warn', reason: 'out of reach' })
    return releaseLease(parts, leased, coolDown(leased, error.retryAfterSeconds, parts.now()))
  }
  switch (result.kind) {
    case 'refreshed': {
      const { tokens } = result
      // RFC 6749 §6: without a new refresh token the old one stays good, and without `scope` the scopes are unchanged.
      const all = { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken, scope: tokens.scope ?? scope }
      const sealed = await sealTokens(parts, unsealed.application, leased, all, before)
      const stored = await storeFetched(parts, leased, renewTokens(leased, sealed, lifetimeOf(all), before), time)
      report(stored.swapped ? 'provider.refreshed' : 'provider.refreshed_late', {
        level: stored.swapped ? 'info' : 'warn',
      })
      return stored.swapped ? { isOwn: true, vault: stored.vault } : { isOwn: false, vault: stored.vault }
    }
    case 'refused':
      report('provider.refresh_refused', { level: 'warn' })
      // Written over this lease alone: a newer token that another caller has stored meanwhile still counts.
      return releaseLease(parts, leased, dropTokens())
    case 'unexpected':
      report('provider.refresh_failed', { level: 'warn', reason: result.why })
      return releaseLease(parts, leased, coolDown(leased, 0, parts.now()))
  }
}

/**
 * Stores fetched tokens, and tries again while the store fails: a provider that rotates has spent the former refresh token, so tokens
 * that are not stored are the end of the session.
 *
 * All tries have one write id, so a try recognises an earlier one whose answers were lost. Each requires the revision of the lease, so
 * none overwrites what a later lease holder has stored.
 *
 * @throws {Unavailable} if the store fails until the call's time is almost over
 */
async function storeFetched(parts: Parts, leased: Vault, change: VaultChange, time: CallTime): Promise<Swap> {
  const writeId = randomId()
  for (let pauseMs = minPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      return await parts.vaults.swap(leased, change, writeId)
    } catch (error) {
      if (!(error instanceof Unavailable) || time.remainingMs() < maxStoreTryMs + pauseMs) throw error
    }
    await time.pause(jittered(pauseMs))
  }
}

/** Callers that wait do not come back all at once. */
function jittered(pauseMs: number): number {
  return pauseMs * (0.5 + Math.random() / 2)
}

async function releaseLease(parts: Parts, leased: Vault, change: VaultChange): Promise<RefreshOutcome> {
  const { vault } = await parts.vaults.swap(leased, change, randomId())
  return { isOwn: false, vault }
}
