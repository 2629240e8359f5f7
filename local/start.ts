/**
 * `npm start`: the local stack as a program. The functions' log goes to stderr, so that stdout is for people.
 */

import { styleText } from 'node:util'
import { Problem } from './problem.ts'
import { watchNpm } from './process/parent.ts'
import { type LocalStack, type LocalStackOptions, startLocalStack } from './stack.ts'
import { optionsFrom } from './start-options.ts'
import { welcome } from './welcome.ts'

/** docs/local-stack.md: everything ends within 2 s. */
const endWithinMs = 1_700
/** After this time, say what a start still waits for. */
const slowAfterMs = 1_000

let stack: LocalStack | undefined
let isEnding = false

// The reader of our output may have closed the pipe.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end)
watchNpm(end)

try {
  const options = optionsFrom(process.env)
  stack = await startLocalStack({ ...options, log: say, functionLog: writeLog, progress: tellIfSlow() })
  if (!isEnding) process.stdout.write(welcome(stack, { dataDir: options.dataDir, table: options.tableName }))
} catch (error) {
  fail(error)
}

/** Ctrl-C comes twice, from the terminal and from npm. The second has no effect. */
function end(): void {
  if (isEnding) return
  isEnding = true
  // If the stack is not complete yet, the supervisor ends what has been started.
  if (stack === undefined) process.exit(0)
  setTimeout(() => process.exit(1), endWithinMs)
  stack.close().then(
    () => process.exit(0),
    (error: unknown) => fail(error),
  )
}

function fail(error: unknown): never {
  const isProblem = error instanceof Problem
  say(isProblem ? error.message : `Token Broker failed: ${error instanceof Error ? error.stack : error}`)
  process.exit(1)
}

function say(line: string): void {
  process.stderr.write(`${styleText('yellow', line, { stream: process.stderr })}\n`)
}

function writeLog(line: string): void {
  process.stderr.write(`${styleText('dim', line, { stream: process.stderr })}\n`)
}

/** Prints every second which parts a slow start still waits for. */
function tellIfSlow(): NonNullable<LocalStackOptions['progress']> {
  const waitedFor = new Set<string>()
  const timer = setInterval(() => {
    if (waitedFor.size > 0) process.stdout.write(`Starting … still waiting for: ${[...waitedFor].join(', ')}\n`)
  }, slowAfterMs)
  timer.unref()
  return (part, state) => {
    if (state === 'starting') waitedFor.add(part)
    else waitedFor.delete(part)
    if (part === 'table' && state === 'there') clearInterval(timer)
  }
}
