/**
 * What runs by the clock: in the cloud a schedule of EventBridge's, on a laptop a timer.
 *
 * Owns the timer. Must not know what the functions do.
 */

import { contextOf } from './gateway/event.ts'

/** Shorter than in the cloud: somebody is watching. */
const everyMs = 10_000

/** @returns what ends it, once a run that is under way has come to its end */
export function startSchedule(names: readonly string[], log: (line: string) => void): () => Promise<void> {
  let running: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    running = Promise.all(names.map((name) => run(name, log)))
  }, everyMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}

async function run(name: string, log: (line: string) => void): Promise<void> {
  try {
    const { handler } = await import(`../functions/${name}.ts`)
    await handler({}, contextOf(name))
  } catch (error) {
    log(`${name} failed: ${error instanceof Error ? error.name : error}`)
  }
}
