/**
 * retry-revocations: revokes tokens at the provider (RFC 7009), every few minutes, for ended sessions that the provider has not
 * been told of, because it was unreachable or because a function died.
 *
 * No provider delays another's revocations: a session whose try has failed is due later and after the others (due-revocation.ts), and
 * the sessions of an application whose tries keep failing come at the end of the run.
 */

import { revocationRetryMs } from '../shared/domain/due-revocation.ts'
import { type Family, subOf } from '../shared/domain/family.ts'
import { postponeRevocation } from '../shared/domain/transitions.ts'
import { describeFault, log } from '../shared/log.ts'
import { mapWithConcurrency } from '../shared/map-with-concurrency.ts'
import { type Parts, processParts } from '../shared/parts.ts'
import { randomId } from '../shared/random.ts'
import { Unavailable } from '../shared/unavailable.ts'
import { endAtProvider, type RevocationOutcome } from '../shared/vault/end-at-provider.ts'
import type { ReportEvent } from '../shared/vault/fresh-token.ts'

/** Requests at the same time, to a provider that may still be recovering. */
const concurrency = 5
/** The next run does the rest. */
const lastMomentMs = 10_000
/** After so many failures in a row, an application waits for the others. */
const maxFailures = 3
/** Sessions that may wait: more than a run can tell. */
const maxWaiting = 10_000

type Context = { getRemainingTimeInMillis(): number }
type Tally = { told: number; left: number }

type Run = {
  readonly parts: Parts
  readonly hasTime: () => boolean
  readonly tally: Tally
  /** By application. */
  readonly failures: Map<string, Failures>
  /** Sessions of applications that wait for the others. */
  readonly waiting: DueFamily[]
}

/** Tries in a row that failed, and those in a row that met a provider out of reach. */
type Failures = { readonly inRow: number; readonly outOfReach: number }
const noFailures: Failures = { inRow: 0, outOfReach: 0 }

type DueFamily = Family & Required<Pick<Family, 'revocationDue' | 'revokedAt'>>

export async function handler(_event: unknown, context: Context): Promise<Tally> {
  const parts = processParts()
  const hasTime = () => context.getRemainingTimeInMillis() >= lastMomentMs
  const tally = { told: 0, left: 0 }
  const run: Run = { parts, hasTime, tally, failures: new Map(), waiting: [] }
  for await (const sids of parts.revocations.due(parts.now())) {
    // After a failure it waits for the others: Lambda may stop a function at its answer.
    await mapWithConcurrency(sids, concurrency, async (sid) => {
      if (hasTime()) await tellOrWait(run, sid)
    })
    if (!hasTime()) break
  }
  await mapWithConcurrency(run.waiting, concurrency, async (family) => {
    if (hasTime()) await tell(run, family)
    else tally.left++
  })
  return tally
}

async function tellOrWait(run: Run, sid: string): Promise<void> {
  const family = await run.parts.families.read(sid)
  if (!isDue(family)) return
  const { inRow, outOfReach } = run.failures.get(family.application) ?? noFailures
  const waits = inRow >= maxFailures && outOfReach < maxFailures
  if (waits && run.waiting.length < maxWaiting) run.waiting.push(family)
  else if (waits) run.tally.left++
  else await tell(run, family)
}

function isDue(family: Family | undefined): family is DueFamily {
  return family?.revocationDue !== undefined && family.revokedAt !== undefined
}

/** A provider that stays out of reach is not asked again in this run, unless it is for the last time. */
async function tell({ parts, tally, failures }: Run, family: DueFamily): Promise<void> {
  const { application: name, revokedAt } = family
  const isSilent = (failures.get(name)?.outOfReach ?? 0) >= maxFailures
  if (isSilent && parts.now() < revokedAt + revocationRetryMs) return void tally.left++
  const outcome = await tried(parts, family)
  tally[outcome === 'done' ? 'told' : 'left']++
  if (outcome === 'busy') return
  if (outcome === 'done') return void failures.delete(name)
  const { inRow, outOfReach } = failures.get(name) ?? noFailures
  failures.set(name, { inRow: inRow + 1, outOfReach: outcome === 'out of reach' ? outOfReach + 1 : 0 })
  const postponed = postponeRevocation(family, { now: parts.now(), writeId: randomId() })
  if (postponed !== undefined) await parts.families.apply(postponed)
}

/** What is wrong with one application, or with one session, is nothing to the others. @throws {Unavailable} without the table */
async function tried(parts: Parts, family: DueFamily): Promise<RevocationOutcome> {
  const application = await parts.registrations.application(family.application)
  try {
    return await endAtProvider(parts, application, family, reporter(parts, family))
  } catch (error) {
    if (error instanceof Unavailable) throw error
    log({ level: 'error', event: 'fault', application: family.application, fault: describeFault(error) }, parts.now())
    return 'failed'
  }
}

function reporter(parts: Parts, family: Family): ReportEvent {
  const { application, clientId, sid } = family
  return (event, fields) =>
    log({ event, application, client_id: clientId, sid, sub: subOf(family), ...fields }, parts.now())
}
