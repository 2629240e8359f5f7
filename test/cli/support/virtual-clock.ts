/** A clock of the commands that jumps ahead instead of pausing, until the test ends. */

import type { TestContext } from 'node:test'
import { clock } from '../../../cli/clock.ts'

/** @param duringPause runs in each pause */
export function virtualClock(t: TestContext, duringPause: () => Promise<void> = async () => {}): typeof clock {
  const before = { ...clock }
  let aheadMs = 0
  t.after(() => Object.assign(clock, before))
  return Object.assign(clock, {
    nowMs: () => before.nowMs() + aheadMs,
    pause: async (ms: number) => {
      aheadMs += ms
      await duringPause()
    },
  })
}
