/**
 * Imported where sweeps run in this process: they wait for the index in no time. The index of a local DynamoDB never lags, and sweeps
 * in real time are in test/instances/sessions-load.test.ts.
 */

import { patience } from '../../shared/store/sweep.ts'

let waitedMs = 0

Object.assign(patience, {
  now: () => Date.now() + waitedMs,
  pause: async (ms: number) => {
    waitedMs += ms
  },
})
