/** A worker thread that runs schedules. In a thread of its own, since time and chance are replaced for the whole thread. */

import './virtual.ts'
import { parentPort, workerData } from 'node:worker_threads'
import { plantedBugs } from './planted-bugs.ts'
import { runSchedule, warmUp } from './schedule.ts'
import { shrink } from './shrink.ts'
import type { Violation } from './world.ts'

export type Task = {
  readonly firstSeed: number
  /** It runs every so-manyth seed. */
  readonly step: number
  readonly schedules: number
  /** Plants each of these bugs and looks for it, before anything else. */
  readonly bugs?: readonly string[]
  /** The first seed that is tried for a planted bug. @default firstSeed */
  readonly bugSeed?: number
  /** Name of a planted bug; undefined: none. */
  readonly bug?: string | undefined
  /** Only these faults and actions take place. */
  readonly keep?: readonly string[] | undefined
  /** Whether the trace is told although nothing is wrong. */
  readonly tellsTrace?: boolean
  /** Whether a failure is made shorter. */
  readonly shrinks?: boolean
}

/** @property keep what a failure needs, after it was made shorter. @property trace of that */
export type Finding = {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly keep: readonly string[]
  readonly trace: readonly string[]
}

/** How many schedules it took to find a planted bug, and what found it; undefined: it was not found in the time it has. */
export type Found = { readonly bug: string; readonly schedules: number; readonly invariant: string | undefined }

export type Report =
  | { readonly kind: 'found'; readonly found: Found }
  | { readonly kind: 'progress'; readonly schedules: number }
  | {
      readonly kind: 'done'
      readonly schedules: number
      readonly finding: Finding | undefined
      readonly digest: string
      readonly trace: readonly string[]
    }

const progressEvery = 25

const tell = (report: Report) => parentPort?.postMessage(report)

async function work(task: Task): Promise<void> {
  const {
    firstSeed,
    step,
    schedules,
    bug: bugName,
    keep,
    tellsTrace = false,
    shrinks = true,
    bugs = [],
    bugSeed = firstSeed,
  } = task
  const bug = bugName === undefined ? undefined : plantedBugs[bugName]
  if (bugName !== undefined && bug === undefined) throw new Error(`there is no planted bug ${bugName}`)
  await warmUp()
  for (const name of bugs) tell({ kind: 'found', found: await find(name, bugSeed) })
  let digest = ''
  let trace: readonly string[] = []
  for (let at = 0; at < schedules; at += 1) {
    const options = { bug: bug?.plant(), keep: keep && new Set(keep), keepsTrace: tellsTrace }
    const run = await runSchedule(firstSeed + at * step, options)
    digest = run.digest
    trace = run.trace
    if (run.violations.length > 0) {
      const finding = shrinks ? await shrink(run, bug) : { ...run, keep: run.taken }
      tell({ kind: 'done', schedules: at + 1, finding, digest, trace })
      return
    }
    if ((at + 1) % progressEvery === 0) tell({ kind: 'progress', schedules: progressEvery })
  }
  tell({ kind: 'done', schedules, finding: undefined, digest, trace })
}

async function find(name: string, firstSeed: number): Promise<Found> {
  const bug = plantedBugs[name]!
  for (let schedules = 1; schedules <= bug.within; schedules += 1) {
    const { violations } = await runSchedule(firstSeed + schedules - 1, { bug: bug.plant() })
    if (violations.some(({ invariant }) => invariant === bug.shows)) {
      return { bug: name, schedules, invariant: bug.shows }
    }
  }
  return { bug: name, schedules: bug.within, invariant: undefined }
}

await work(workerData as Task)
