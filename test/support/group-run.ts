/**
 * A group of test files run in one process: what is printed meanwhile, and how it went.
 *
 * Owns the process, its environment and its time limit; a line for each file as it ends, with what the group wrote shown
 * only if it fails. Must not know which groups there are.
 */

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Group } from '../groups.ts'

export type GroupResult = { readonly success: boolean; readonly counts: Counts }

type Counts = Readonly<Record<'tests' | 'passed' | 'failed' | 'cancelled' | 'skipped' | 'todo', number>>

/** A group that takes longer hangs. A slow machine under load needs some minutes. */
const maxGroupMs = 600_000

const root = fileURLToPath(new URL('../..', import.meta.url))
const entry = fileURLToPath(new URL('group.ts', import.meta.url))

/** @param directory where the process and those that it starts write what V8 counted */
export async function runGroup(group: Group, directory: string, failures: Writable): Promise<GroupResult> {
  const hung = AbortSignal.timeout(maxGroupMs)
  const stream = run({
    files: [entry],
    argv: [...group.files],
    cwd: root,
    env: environment(group, directory),
    signal: hung,
  })
  const written: string[] = []
  let tests = 0
  let left = group.files
  let result: GroupResult | undefined
  for await (const { type, data } of stream) {
    switch (type) {
      case 'test:stdout':
      case 'test:stderr':
        written.push(data.message)
        break
      case 'test:pass':
      case 'test:fail':
        if (type === 'test:fail' && data.name !== entry) failures.write({ type, data })
        if (data.details.type !== 'suite') tests += 1
        if (left.includes(data.name) && data.nesting === 0) {
          print(`${type === 'test:pass' ? '✔' : '✖'} ${data.name}  ${tests} tests ${seconds(data.details.duration_ms)}`)
          left = left.filter((file) => file !== data.name)
          tests = 0
        }
        break
      case 'test:summary':
        // Without a file it is about the whole run.
        if (data.file === undefined) result = data
        break
    }
  }
  const success = result?.success === true && left.length === 0
  if (!success) {
    const [at = 'its end', ...rest] = left
    if (hung.aborted) print(`✖ ${group.name} was ended after ${seconds(maxGroupMs)}, at ${at}`)
    else if (left.length > 0) print(`✖ ${group.name} ended at ${at}`)
    if (rest.length > 0) print(`  not run: ${rest.join(', ')}`)
    print(written.join(''))
  }
  return { success, counts: result!.counts }
}

/** A cached function may lack counts, so it is the one or the other. */
function environment({ counted }: Group, directory: string): NodeJS.ProcessEnv {
  const { NODE_V8_COVERAGE: _, ...surroundings } = process.env
  if (counted) return { ...surroundings, NODE_V8_COVERAGE: directory }
  return { ...surroundings, NODE_COMPILE_CACHE: join(tmpdir(), 'token-broker-compile-cache') }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
