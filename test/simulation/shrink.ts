/** Makes a failing run shorter: faults and actions are left out for as long as the same invariant is violated. */

import type { PlantedBugEntry } from './planted-bugs.ts'
import { type Run, runSchedule } from './schedule.ts'
import type { Finding } from './worker.ts'

const maxRuns = 300

export async function shrink(run: Run, bug?: PlantedBugEntry): Promise<Finding> {
  const [{ invariant }] = run.violations as [Run['violations'][number]]
  let keep: readonly string[] = run.taken
  let runs = 0
  const stillFails = async (candidate: readonly string[]) => {
    runs += 1
    const { violations } = await runSchedule(run.seed, { keep: new Set(candidate), bug: bug?.plant() })
    return violations.some((violation) => violation.invariant === invariant)
  }
  // Halves first, then ever smaller parts, down to one alone.
  for (
    let size = Math.ceil(keep.length / 2);
    size >= 1 && runs < maxRuns;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < keep.length && runs < maxRuns; ) {
      const candidate = [...keep.slice(0, at), ...keep.slice(at + size)]
      if (await stillFails(candidate)) keep = candidate
      else at += size
    }
  }
  const { violations, trace } = await runSchedule(run.seed, {
    keep: new Set(keep),
    bug: bug?.plant(),
    keepsTrace: true,
  })
  return { seed: run.seed, violations, keep, trace }
}
