/** Asks a platform again that is out of reach for a moment. Asking twice makes two tokens, which is harmless. */

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
