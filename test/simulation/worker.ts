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
  /** Plants each of these bugs and looks for it, instead of anything else. */
  readonly bugs?: readonly string[]
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

async function work({
  firstSeed,
  step,
  schedules,
  bug: bugName,
  keep,
  tellsTrace = false,
  shrinks = true,
}: Task): Promise<void> {
  const tell = (report: Report) => parentPort?.postMessage(report)
  const bug = bugName === undefined ? undefined : plantedBugs[bugName]
  if (bugName !== undefined && bug === undefined) throw new Error(`there is no planted bug ${bugName}`)
  await warmUp()
  let digest = ''
  let trace: readonly string[] = []
  for (let at = 0; at < schedules; at += 1) {
    const seed = firstSeed + at * step
    const options = { bug: bug?.plant(), keep: keep && new Set(keep) }
    const run = await runSchedule(seed, { ...options, keepsTrace: tellsTrace })
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

async function findBugs(names: readonly string[], { firstSeed, step }: Task): Promise<void> {
  await warmUp()
  for (const name of names) {
    const bug = plantedBugs[name]!
    let [schedules, invariant]: [number, string | undefined] = [0, undefined]
    while (schedules < bug.within && invariant === undefined) {
      const { violations } = await runSchedule(firstSeed + schedules * step, { bug: bug.plant() })
      schedules += 1
      invariant = violations[0]?.invariant
    }
    parentPort?.postMessage({ kind: 'found', found: { bug: name, schedules, invariant } } satisfies Report)
  }
}

const task = workerData as Task
if (task.bugs === undefined) await work(task)
else await findBugs(task.bugs, task)
