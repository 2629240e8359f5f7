/**
 * A fresh access token of the provider, however many callers ask at once, in however many processes: one of them fetches,
 * the rest read.
 *
 * Owns the loop over shared/domain/vault.ts. Must not know who is entitled to the token, nor what becomes of a session
 * whose provider has refused it.
 *
 *     read ─► use                      the access token is good
 *          ─► fetch ─► lease ─► ask    one at a time; the answer is written over the lease, or not at all
 *          ─► wait, read again         somebody else is asking
 *          ─► 503                      the provider failed a moment ago, and is left in peace
 *          ─► sign in again            it refused the refresh token, or there is none, or it is another provider by now
 */

import { setTimeout as pause } from 'node:timers/promises'
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
import { Unavailable } from '../unavailable.ts'
import { lifetimeOf, sealTokens, unsealTokens } from './stored-tokens.ts'

export type FreshToken = {
  readonly accessToken: string
  readonly expiresInSeconds: number
  /** What it carries, as far as the provider says. */
  readonly scope?: string | undefined
}

/** What is told to the operator. */
export type ReportEvent = (
  event: LogEventName,
  fields: { readonly level: 'info' | 'warn'; readonly reason?: string },
) => void

/** What a session is told whose tokens are those of another provider than the application has. */
const otherProviderReason = "the tokens are those of the application's former provider, so the new one was not asked"

/** `sign-in`: only a person can help, by signing in again. `other-provider`: so it is, because the provider has changed. */
export type NoToken = 'sign-in' | 'other-provider'

/** Who waits longer than this for somebody else's answer is told to come again. */
const maxWaitMs = 8_000
const minPauseMs = 40
const maxPauseMs = 400

/**
 * @param found the vault as it was read for this call
 * @param sub whose tokens they are
 * @throws {Unavailable} nothing is lost, and what the caller holds stays good
 */
export async function freshToken(
  parts: Parts,
  application: Application,
  found: Vault,
  sub: string,
  report: ReportEvent,
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
        // Not in step with the others who wait.
        await pause(pauseMs * (0.5 + Math.random() / 2))
        vault = await parts.vaults.read(vault.sid, vault.id)
        break
      case 'fetch': {
        const fetched = await refreshUnderLease(parts, application, vault, sub, report)
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
  // Always tell a lifetime, even if the provider omitted it: callers plan by it (RFC 6749 §5.1).
  return { accessToken, expiresInSeconds: Math.max(1, Math.floor((vault.expiresAt - now) / 1000)), scope }
}

function reportOtherProvider(report: ReportEvent): 'other-provider' {
  report('provider.changed', { level: 'warn', reason: otherProviderReason })
  return 'other-provider'
}

/** `isOwn`: these are the tokens that this very call has fetched. Otherwise the vault as it stands now. */
type RefreshOutcome =
  | { readonly isOwn: true; readonly vault: Vault }
  | { readonly isOwn: false; readonly vault: Vault | undefined }

async function refreshUnderLease(
  parts: Parts,
  application: Application,
  seen: Vault,
  sub: string,
  report: ReportEvent,
): Promise<RefreshOutcome | 'other-provider'> {
  const lease = await parts.vaults.swap(seen, takeLease(parts.now()), randomId())
  if (!lease.swapped) return { isOwn: false, vault: lease.vault }
  const held = lease.vault
  const before = parts.now()
  const unsealed = await unsealTokens(parts, application, held, before)
  if (unsealed === 'other-provider') {
    await releaseLease(parts, held, dropTokens())
    return reportOtherProvider(report)
  }
  // Its key is gone, so nobody will ever read it again.
  if (unsealed?.value.refreshToken === undefined) return releaseLease(parts, held, dropTokens())
  const { refreshToken, scope } = unsealed.value
  let result: RefreshResult
  try {
    result = await providerOf(parts, unsealed.application).refresh(refreshToken, sub)
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    report('provider.refresh_failed', { level: 'warn', reason: 'out of reach' })
    return releaseLease(parts, held, coolDown(held, error.retryAfterSeconds, parts.now()))
  }
  switch (result.kind) {
    case 'refreshed': {
      const { tokens } = result
      // RFC 6749 §6: where no refresh token comes, the one that was sent stays good; where no scope, it is the same.
      const all = { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken, scope: tokens.scope ?? scope }
      const sealed = await sealTokens(parts, unsealed.application, held, all, before)
      const stored = await parts.vaults.swap(held, renewTokens(held, sealed, lifetimeOf(all), before), randomId())
      report(stored.swapped ? 'provider.refreshed' : 'provider.refreshed_late', {
        level: stored.swapped ? 'info' : 'warn',
      })
      return stored.swapped ? { isOwn: true, vault: stored.vault } : { isOwn: false, vault: stored.vault }
    }
    case 'refused':
      report('provider.refresh_refused', { level: 'warn' })
      // Over this lease alone: where a newer token was stored meanwhile, that one counts.
      return releaseLease(parts, held, dropTokens())
    case 'unexpected':
      report('provider.refresh_failed', { level: 'warn', reason: result.why })
      return releaseLease(parts, held, coolDown(held, 0, parts.now()))
  }
}

async function releaseLease(parts: Parts, held: Vault, change: VaultChange): Promise<RefreshOutcome> {
  const { vault } = await parts.vaults.swap(held, change, randomId())
  return { isOwn: false, vault }
}
