/**
 * Revokes the provider's tokens (RFC 7009) after their session has ended.
 *
 * The write that ends the family also marks it. The mark goes only once the provider has been told, or never can be. So
 * a crash in between delays the revocation and does not lose it.
 */

import { revocationRetryMs } from '../domain/due-revocation.ts'
import type { Family, Person } from '../domain/family.ts'
import type { Application } from '../domain/registration.ts'
import { markProviderNotified } from '../domain/transitions.ts'
import { takeLease, type Vault } from '../domain/vault.ts'
import type { Parts } from '../parts.ts'
import { providerOf } from '../providers/index.ts'
import { randomId } from '../random.ts'
import { Unavailable } from '../unavailable.ts'
import type { ReportEvent } from './fresh-token.ts'
import { type StoredTokens, unsealTokens } from './stored-tokens.ts'

/**
 * `done`: nothing is left to do. `busy`: another caller holds the lease. `failed`: the provider refused. `out of reach`: the provider
 * did not answer.
 */
export type RevocationOutcome = 'done' | 'busy' | 'failed' | 'out of reach'

/**
 * Tries once to revoke the tokens of a revoked family, and then removes its vault and its mark.
 *
 * @param application undefined: ops have removed it, so nobody can be asked
 * @param family revoked, with `revocationDue`
 * @throws {Unavailable} when the table is out of reach
 */
export async function endAtProvider(
  parts: Parts,
  application: Application | undefined,
  family: Family,
  report: ReportEvent,
): Promise<RevocationOutcome> {
  const { sid, vault: id, revokedAt = 0 } = family
  const vault = id === undefined ? undefined : await parts.vaults.read(sid, id)
  const task = vault && (await taskFor(parts, application, vault))
  if (task !== undefined) {
    // Without the lease, a concurrent refresh could store new tokens that are never revoked.
    if (!(await acquireLease(parts, vault!))) return 'busy'
    const isPossible = typeof task === 'object'
    const why = isPossible ? await revoke(parts, task.application, task.value) : task
    if (why === undefined) report('provider.revoked', { level: 'info' })
    else if (isPossible && parts.now() < revokedAt + revocationRetryMs) {
      report('provider.revocation_failed', { level: 'warn', reason: why })
      return why === outOfReach ? why : 'failed'
    } else report('provider.revocation_abandoned', { level: 'warn', reason: why })
  }
  // The mark goes last, so that a retry after a crash finds it.
  if (id !== undefined) await parts.vaults.remove(sid, id)
  await parts.families.apply(markProviderNotified(sid, randomId()))
  return 'done'
}

/**
 * Revokes the tokens of a sign-in that begins no session, because another decision about the device came first. Nothing remembers them, so
 * it is tried once, within the call.
 *
 * Some providers revoke all of a person's tokens along with one. So nothing happens if the same person's decision came first.
 *
 * @param decided the family as the other decision has left it
 */
export async function revokeUnused(
  parts: Parts,
  application: Application,
  { person, tokens }: { readonly person: Person; readonly tokens: StoredTokens },
  decided: Family | undefined,
  report: ReportEvent,
): Promise<void> {
  if (!application.provider.revokeTokens || decided?.person?.sub === person.sub) return
  const why = await revoke(parts, application, tokens)
  if (why === undefined) report('provider.revoked', { level: 'info', reason: 'no session began' })
  else report('provider.revocation_abandoned', { level: 'warn', reason: why })
}

type Task = { readonly value: StoredTokens; readonly application: Application }

/** @returns the tokens and where to revoke them; a string: why no provider can be asked; undefined: there are no tokens */
async function taskFor(
  parts: Parts,
  application: Application | undefined,
  vault: Vault,
): Promise<Task | string | undefined> {
  if (vault.sealed === undefined) return undefined
  if (application === undefined) return 'its application is registered no more'
  const unsealed = await unsealTokens(parts, application, vault, parts.now())
  if (unsealed === undefined)
    return 'its tokens cannot be unsealed, because their key was retired or the item is damaged'
  return unsealed === 'other-provider' ? 'its application has another provider by now' : unsealed
}

async function acquireLease(parts: Parts, vault: Vault): Promise<boolean> {
  const now = parts.now()
  return now >= (vault.leaseUntil ?? 0) && (await parts.vaults.swap(vault, takeLease(now), randomId())).swapped
}

const outOfReach = 'out of reach'

async function revoke(parts: Parts, application: Application, tokens: StoredTokens): Promise<string | undefined> {
  try {
    return await providerOf(parts, application).revoke(tokens)
  } catch (error) {
    if (error instanceof Unavailable) return outOfReach
    throw error
  }
}
