/**
 * The end of the provider's tokens, once their session has ended here.
 *
 * Owns that it is done in the end: the family is marked in the very write that ended it, and the mark goes only when the
 * provider has heard of it, or never can.
 */

import type { Family } from '../domain/family.ts'
import type { Application } from '../domain/registration.ts'
import { markProviderNotified } from '../domain/transitions.ts'
import { takeLease, type Vault } from '../domain/vault.ts'
import type { Parts } from '../parts.ts'
import { providerOf } from '../providers/index.ts'
import { randomId } from '../random.ts'
import { Unavailable } from '../unavailable.ts'
import type { ReportEvent } from './fresh-token.ts'
import { type StoredTokens, unsealTokens } from './stored-tokens.ts'

/** A provider that is not to be had for so long is given up on; its tokens end by themselves. */
const maxRetryMs = 7 * 86_400_000

/** `done`: there is nothing left to do. `busy`: somebody else is at these tokens. `failed`: by the provider's own answer. */
export type RevocationOutcome = 'done' | 'busy' | 'failed' | 'out of reach'

/**
 * Tries once.
 *
 * @param application undefined: ops have removed it, and with it whom to ask and by which secret
 * @param family revoked, and marked as still to be told
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
    // Whoever is fetching fresh ones at this moment would be left with some that nobody has ended.
    if (!(await acquireLease(parts, vault!))) return 'busy'
    const isPossible = typeof task === 'object'
    const why = isPossible ? await revoke(parts, task.application, task.value) : task
    if (why === undefined) report('provider.revoked', { level: 'info' })
    else if (isPossible && parts.now() < revokedAt + maxRetryMs) {
      report('provider.revocation_failed', { level: 'warn', reason: why })
      return why === outOfReach ? why : 'failed'
    } else report('provider.revocation_abandoned', { level: 'warn', reason: why })
  }
  // In this order: a crash in between finds the mark, and a vault that is gone.
  if (id !== undefined) await parts.vaults.remove(sid, id)
  await parts.families.apply(markProviderNotified(sid, randomId()))
  return 'done'
}

type Task = { readonly value: StoredTokens; readonly application: Application }

/** What to end, and where; else why nobody can be asked. @returns undefined: there is nothing to end */
async function taskFor(
  parts: Parts,
  application: Application | undefined,
  vault: Vault,
): Promise<Task | string | undefined> {
  if (vault.sealed === undefined) return undefined
  if (application === undefined) return 'its application is registered no more'
  const unsealed = await unsealTokens(parts, application, vault, parts.now())
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
