/**
 * retry-revocations: revokes tokens at the provider (RFC 7009), every few minutes, for ended sessions that the provider has not
 * been told of, because it was unreachable or because a function died.
 */

import type { Family } from '../shared/domain/family.ts'
import type { Application } from '../shared/domain/registration.ts'
import { describeFault, log } from '../shared/log.ts'
import { mapWithConcurrency } from '../shared/map-with-concurrency.ts'
import { type Parts, processParts } from '../shared/parts.ts'
import { Unavailable } from '../shared/unavailable.ts'
import { endAtProvider, type RevocationOutcome } from '../shared/vault/end-at-provider.ts'
import type { ReportEvent } from '../shared/vault/fresh-token.ts'

/** Requests at the same time, to a provider that may still be recovering. */
const concurrency = 5
/** The next run does the rest. */
const lastMomentMs = 10_000

type Context = { getRemainingTimeInMillis(): number }
type Tally = { told: number; left: number }

export async function handler(_event: unknown, context: Context): Promise<Tally> {
  const parts = processParts()
  const tally = { told: 0, left: 0 }
  const silent = new Set<string>()
  const hasTime = () => context.getRemainingTimeInMillis() >= lastMomentMs
  for await (const sids of parts.revocations.due()) {
    // After a failure it waits for the others: Lambda may stop a function at its answer.
    await mapWithConcurrency(sids, concurrency, async (sid) => {
      if (hasTime()) await tell(parts, sid, silent, tally)
    })
    if (!hasTime()) break
  }
  return tally
}

/** @param silent applications whose provider is out of reach in this run, and is not asked again */
async function tell(parts: Parts, sid: string, silent: Set<string>, tally: Tally): Promise<void> {
  const family = await parts.families.read(sid)
  if (family?.revocationDue === undefined) return
  const application = await parts.registrations.application(family.application)
  const end = silent.has(family.application) ? undefined : await tried(parts, application, family)
  if (end === 'out of reach') silent.add(family.application)
  tally[end === 'done' ? 'told' : 'left']++
}

/** What is wrong with one application, or with one session, is nothing to the others. @throws {Unavailable} without the table */
async function tried(
  parts: Parts,
  application: Application | undefined,
  family: Family,
): Promise<RevocationOutcome | undefined> {
  try {
    return await endAtProvider(parts, application, family, reporter(parts, family))
  } catch (error) {
    if (error instanceof Unavailable) throw error
    log({ level: 'error', event: 'fault', application: family.application, fault: describeFault(error) }, parts.now())
    return undefined
  }
}

function reporter(parts: Parts, { application, clientId, sid, person }: Family): ReportEvent {
  return (event, fields) =>
    log({ event, application, client_id: clientId, sid, sub: person?.sub, ...fields }, parts.now())
}
