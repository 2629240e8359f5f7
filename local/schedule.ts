/**
 * Runs the scheduled functions by a timer, which EventBridge does in the cloud.
 */

import { callFunction } from './gateway/event.ts'

/** Shorter than in the cloud, so that a person who watches sees it. */
const everyMs = 10_000

/** @returns what stops it and waits for a run under way */
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
