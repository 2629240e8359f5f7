/**
 * Programs that tests start: their output, their end, and whether what they started has ended.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../..', import.meta.url))

export type Child = {
  readonly process: ChildProcess
  /** What was written so far. */
  readonly output: { stdout: string; stderr: string }
  /** Resolves when the output matches. @throws when the program ends first */
  until(pattern: RegExp): Promise<RegExpExecArray>
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Far above what anything here takes. */
const patienceMs = 10_000

/** The only variables that programs inherit, so that settings of the machine change nothing. */
export const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(PATH|HOME|TMPDIR|LANG)$/.test(name)),
)

/** A compile cache halves the time of a start. Coverage would double it again. */
const light = { NODE_COMPILE_CACHE: join(tmpdir(), 'token-broker-compile-cache'), NODE_V8_COVERAGE: '' }

/** @param cwd the project's folder if not set */
export function run(
  file: string,
  words: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  cwd = root,
): Child {
  const child = spawn(file, words, {
    cwd,
    env: { ...inherited, ...light, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk
      for (const listener of listeners) listener()
    })
  }
  const ended = new Promise<Awaited<Child['ended']>>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  const until = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(output.stdout) ?? pattern.exec(output.stderr)
        if (found === null) return
        listeners.delete(look)
        resolve(found)
      }
      listeners.add(look)
      look()
      void ended.then(({ code }) =>
        reject(new Error(`ended with ${code} before ${pattern}:\n${output.stdout}${output.stderr}`)),
      )
    })
  return { process: child, output, until, ended }
}

/** Runs a module of TypeScript that is given as text, in the project's folder. */
export function runScript(text: string, variables?: Readonly<Record<string, string>>): Child {
  return run(process.execPath, ['--input-type=module-typescript', '--eval', text], variables)
}

/** Resolves with the milliseconds that passed until nothing listens at the URL. */
export async function closed(url: string): Promise<number> {
  const startedAt = performance.now()
  await until(async () => !(await isListening(url)))
  return performance.now() - startedAt
}

/** Asks again and again. @throws when it takes too long */
export async function until(isSo: () => boolean | Promise<boolean>, withinMs = patienceMs): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await isSo()); await pause(5)) {
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${isSo}`)
  }
}

export function isListening(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
