/** The clock of the commands: one object, so that tests can put another one here. */

import { setTimeout } from 'node:timers/promises'

export const clock = {
  nowMs: (): number => Date.now(),
  pause: (ms: number): Promise<void> => setTimeout(ms),
}
