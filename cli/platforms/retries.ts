/** Retries a request to a platform that is briefly out of reach. A retry may create a second token, which is harmless. */

import { setTimeout as pause } from 'node:timers/promises'
import { OutOfReach } from '../problem.ts'

const pausesMs = [300, 1_000]

export async function withRetries<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (const pauseMs of pausesMs) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof OutOfReach)) throw error
    }
    await pause(pauseMs)
  }
  return ask()
}
