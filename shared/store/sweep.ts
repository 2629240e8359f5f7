/**
 * Ends every session that a person has begun up to a moment, in passes over the index `by-subject`, and deletes the claims of those that
 * had ended before.
 *
 * Each family ends by a conditional write of its own. The sweep is complete when a pass that began late enough to see every
 * such family finds nothing more. It can stop anywhere and go on or begin again: ended sessions are left alone.
 *
 *     call ──► pass ──► pass ──…──► pass that began settleMs after the call, and ends nothing ──► complete
 *              ends what the index shows
 *
 *     sign-in begins (createdAt) ──► call ──► provider answers, the family is written ──► the index shows it
 *     └──────────────── at most maxRequestMs ────────────────────────────────────────┘└─ at most indexLagMs ─┘
 */

import { setTimeout as pause } from 'node:timers/promises'
import { maxRequestMs } from '../domain/expire-device-code.ts'
import type { Family } from '../domain/family.ts'
import type { Transition } from '../domain/transitions.ts'
import { mapWithConcurrency } from '../map-with-concurrency.ts'
import type { Families } from './families.ts'
import type { Entry, Sessions } from './sessions.ts'

/** How long an index may take to show what the table holds; as a rule it takes a fraction of a second. */
const indexLagMs = 5_000
/** A sign-in that began before the call writes its family within this time, and the index shows it. */
export const settleMs = maxRequestMs + indexLagMs
/** Between two passes while a family may still appear. */
const betweenPassesMs = 1_000
const maxWrites = 16

/** Where a sweep stands; another call can go on from there. Times are ms since the epoch. */
export type SweepState = {
  /** Families created up to then are ended. */
  readonly upToMs: number
  readonly startedAtMs: number
  readonly passStartedAtMs: number
  /** How far this pass has come. */
  readonly after?: Entry | undefined
  /** How many this pass has ended so far. */
  readonly endedInPass: number
}

export type Sweep = {
  readonly application: string
  readonly subject: string
  /** The transition that ends a family. */
  readonly end: (sid: string) => Transition
  /** The transition that deletes the claims of a family that had ended before. */
  readonly erase: (sid: string) => Transition
  /** Told of each family that was ended. */
  readonly ended: (family: Family) => void
}

export type Patience = {
  /** ms since the epoch */
  readonly now: () => number
  readonly pause: (ms: number) => Promise<unknown>
  /** The time of one call, ms. */
  readonly maxSweepMs: number
}

/**
 * A sweep waits in real time, even if a test has stopped the clock. Its time is well within a function's, with enough left for what
 * is under way then. Tests replace all members.
 */
export const patience: Patience = { now: Date.now, pause, maxSweepMs: 12_000 }

/** @param state as `begun` makes it, or as an earlier call left it. @returns undefined once it is complete */
export async function sweep(
  { sessions, families }: { readonly sessions: Sessions; readonly families: Families },
  task: Sweep,
  state: SweepState,
  { now, pause, maxSweepMs }: Patience,
): Promise<SweepState | undefined> {
  const until = now() + maxSweepMs
  let at = state
  for (;;) {
    const { sids, last } = await sessions.ofPerson(task.application, task.subject, at.upToMs, at.after)
    const endedInPass = at.endedInPass + (await endAll({ sessions, families }, task, sids))
    at = { ...at, after: last, endedInPass }
    if (last === undefined) {
      if (at.passStartedAtMs >= at.startedAtMs + settleMs && endedInPass === 0) return undefined
      if (now() < until) await pause(betweenPassesMs)
      at = { ...at, passStartedAtMs: now(), endedInPass: 0 }
    }
    if (now() >= until) return at
  }
}

export function begun(upToMs: number, now: number): SweepState {
  return { upToMs, startedAtMs: now, passStartedAtMs: now, endedInPass: 0 }
}

/** @returns how many of them this call has ended */
async function endAll(
  { sessions, families }: { readonly sessions: Sessions; readonly families: Families },
  { end, erase, ended }: Sweep,
  sids: readonly string[],
): Promise<number> {
  const found = await sessions.read(sids)
  const claimed = found.filter(({ state, person }) => state === 'revoked' && person !== undefined)
  await mapWithConcurrency(claimed, maxWrites, ({ sid }) => families.apply(erase(sid)))
  // An ended family stays ended, so it is not ended again. For the others the condition of the write decides.
  const going = found.filter(({ state }) => state !== 'revoked' && state !== 'denied')
  const outcomes = await mapWithConcurrency(going, maxWrites, async ({ sid }) => {
    const outcome = await families.apply(end(sid))
    if (outcome.done) ended(outcome.family)
    return outcome.done
  })
  return outcomes.filter(Boolean).length
}
