#!/usr/bin/env node
/** `token-broker`: the command line for people who sign in from a terminal and for operators, as a process. */

import { exitCodes } from './problem.ts'
import { runCommand } from './program.ts'
import { endOnSignals } from './signals.ts'

// The reader of a pipe may close it early: `… | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.failed)
})
endOnSignals()
// On Node 20, the AWS SDK warns that its next versions need a newer Node. The package pins its version, so this is noise.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
process.exitCode = await runCommand(process.argv.slice(2))
