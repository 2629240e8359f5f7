/**
 * Imported where sweeps run in this process: they wait in no time, and one call completes them. test/store/sweep.test.ts has the
 * waiting, and the simulation has lagging indexes and sign-ins under way.
 */

import { patience } from '../../shared/store/sweep.ts'

let waitedMs = 0

Object.assign(patience, {
  now: () => Date.now() + waitedMs,
  pause: async (ms: number) => {
    waitedMs += 5 * ms
  },
  maxSweepMs: Number.POSITIVE_INFINITY,
})
