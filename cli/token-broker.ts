/** `token-broker`: the command line for people who sign in from a terminal and for operators, as a process. */

import { exitCodes } from './problem.ts'
import { runCommand } from './program.ts'
import { endOnSignals } from './signals.ts'

// The reader of a pipe may close it early: `… | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.failed)
})
endOnSignals()
process.exitCode = await runCommand(process.argv.slice(2))
