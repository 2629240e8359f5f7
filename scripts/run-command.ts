/** Runs programs: their output goes to a log file, and their failure names its last lines. */

import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'

export type Ended = { readonly code: number | null; readonly stdout: string; readonly output: string }

export type Running = {
  readonly cwd?: string
  readonly environment?: NodeJS.ProcessEnv
  /** Called with each line of output. */
  readonly onLine?: (line: string) => void
}

/** File that receives all output of programs. */
export type Log = string

export function attempt(log: Log, words: readonly string[], running: Running = {}): Promise<Ended> {
  const { cwd, environment = process.env, onLine = () => {} } = running
  const [program = '', ...rest] = words
  appendFileSync(log, `\n$ ${words.join(' ')}\n`)
  const child = spawn(program, rest, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let output = ''
  const take = (isStdout: boolean) => (chunk: Buffer) => {
    const text = chunk.toString()
    appendFileSync(log, text)
    output += text
    if (isStdout) stdout += text
    for (const line of text.split('\n')) if (line !== '') onLine(line)
  }
  child.stdout.on('data', take(true))
  child.stderr.on('data', take(false))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, output }))
  })
}

/** @throws if the program fails */
export async function run(log: Log, words: readonly string[], running: Running = {}): Promise<Ended> {
  const ended = await attempt(log, words, running)
  if (ended.code !== 0) {
    const last = ended.output.trim().split('\n').slice(-15).join('\n    ')
    throw new Error(`${words.join(' ')} ended with exit code ${ended.code}:\n    ${last}`)
  }
  return ended
}
