/**
 * Revokes and removes the provider's tokens of an ended session.
 *
 * A failure does not change the answer: functions/retry-revocations.ts tries again, or the entry expires.
 */

import type { Family } from '../domain/family.ts'
import { audit, type Call } from '../http/call.ts'
import { reportFault } from '../http/stack.ts'
import { Unavailable } from '../unavailable.ts'

/** Ends them at the provider, where the application says so, and takes them out of the table. */
export async function endProviderTokens(call: Call, family: Family): Promise<void> {
  const { sid, vault, revocationDue, clientId, person } = family
  if (vault === undefined && revocationDue === undefined) return
  try {
    if (revocationDue === undefined) return await call.parts.vaults.remove(sid, vault!)
    // Loaded when it is needed: the providers are heavy.
    const { endAtProvider } = await import('../vault/end-at-provider.ts')
    await endAtProvider(call.parts, call.application, family, (event, fields) =>
      audit(call, event, { sid, client_id: clientId, sub: person?.sub, ...fields }),
    )
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    reportFault(error, call)
  }
}
