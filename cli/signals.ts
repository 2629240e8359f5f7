/** Ends the process on SIGINT, SIGTERM and SIGHUP: at once, or after work that must not be interrupted. */

import { exitCodes } from './problem.ts'
import { endSpinner } from './terminal.ts'

const codes = { SIGHUP: exitCodes.hungUp, SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const

let running = 0
/** The exit code of the first signal. */
let exitCode: (typeof codes)[keyof typeof codes] | undefined

export function endOnSignals(): void {
  for (const [signal, code] of Object.entries(codes)) {
    process.on(signal, () => {
      exitCode ??= code
      endSpinner()
      if (running === 0) process.exit(exitCode)
    })
  }
}

/**
 * Runs work that a signal must not interrupt. A signal that arrives during the work ends the process right after it, whether
 * it succeeded or not. Further signals have no effect, so the work must be bounded in time.
 */
export async function finishBeforeExit<Result>(work: () => Promise<Result>): Promise<Result> {
  running += 1
  try {
    return await work()
  } finally {
    running -= 1
    if (exitCode !== undefined && running === 0) process.exit(exitCode)
  }
}
