/**
 * Runs the scheduled functions by a timer, as EventBridge does in the cloud.
 */

import { callFunction } from './gateway/event.ts'

/** Shorter than in the cloud, so that people can watch it happen. */
const everyMs = 10_000

/** @returns a function that stops the timer and waits for a run in progress */
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
    await callFunction(name, handler, {})
  } catch (error) {
    log(`${name} failed: ${error instanceof Error ? error.name : error}`)
  }
}
