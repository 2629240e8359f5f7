/**
 * Which branches ran, over all processes of a run: each Node process that finds NODE_V8_COVERAGE in its environment
 * writes down at its end what V8 counted, the tests' own and the brokers that tests start alike.
 *
 * Owns the reading and the sum. A branch is a block that V8 counted by itself (an `if`, an operand, a function); it is
 * covered when some process ran some of it. Lines would not do: a line holds more than one way through.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { modulesIn } from './modules.ts'

export type FileCoverage = {
  /** From the root of the repository. */
  readonly path: string
  readonly branches: number
  readonly covered: number
  /** The first line of each branch that never ran. */
  readonly missed: readonly number[]
}

type Range = { readonly startOffset: number; readonly endOffset: number; readonly count: number }
type FunctionRanges = { readonly ranges: readonly Range[] }
type Script = { readonly url: string; readonly functions: readonly FunctionRanges[] }

/** What is known of one file so far. */
type Sum = { readonly text: string; readonly ran: Uint8Array; readonly branches: Map<string, Range> }

const root = fileURLToPath(new URL('../..', import.meta.url))

/** @param folders whose files are looked at, those that no process loaded included */
export function coverageIn(directory: string, folders: readonly string[]): FileCoverage[] {
  const sums = new Map<string, Sum>()
  for (const { path, text } of modulesIn(...folders)) {
    sums.set(pathToFileURL(join(root, path)).href, { text, ran: new Uint8Array(text.length), branches: new Map() })
  }
  for (const name of readdirSync(directory)) {
    for (const script of scriptsIn(join(directory, name))) {
      const sum = sums.get(script.url)
      if (sum !== undefined) add(sum, script)
    }
  }
  return [...sums].map(([url, sum]) => report(relative(root, fileURLToPath(url)).split(sep).join('/'), sum))
}

function scriptsIn(file: string): readonly Script[] {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { result: Script[] }).result
  } catch {
    // A process that was killed while it wrote has nothing to say.
    return []
  }
}

/** V8 lists a function before those inside it, and a block before its parts: the last word on a place is the true one. */
function add({ text, ran, branches }: Sum, { functions }: Script): void {
  const here = new Uint8Array(text.length)
  for (const { ranges } of functions) {
    for (const range of ranges) {
      here.fill(range.count > 0 ? 1 : 0, range.startOffset, range.endOffset)
      branches.set(`${range.startOffset}-${range.endOffset}`, range)
    }
  }
  for (const [at, one] of here.entries()) if (one === 1) ran[at] = 1
}

function report(path: string, { text, ran, branches }: Sum): FileCoverage {
  if (branches.size === 0)
    return { path, branches: 1, covered: hasCode(text) ? 0 : 1, missed: hasCode(text) ? [1] : [] }
  const real = [...branches.values()].filter(
    ({ startOffset, endOffset }) => !isEmpty(text.slice(startOffset, endOffset)),
  )
  const missed = real.filter(({ startOffset, endOffset }) => !ran.subarray(startOffset, endOffset).includes(1))
  const lines = missed.map(({ startOffset }) => lineAt(text, startOffset)).sort((a, b) => a - b)
  return { path, branches: real.length, covered: real.length - missed.length, missed: [...new Set(lines)] }
}

/** What V8 counts behind the last `return` of a block holds nothing that could run. */
function isEmpty(code: string): boolean {
  return /^[\s(){}[\];,]*$/.test(code)
}

/** A file of types alone is loaded by nobody. */
function hasCode(text: string): boolean {
  const bare = stripTypeScriptTypes(text).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  return bare.replace(/export \{\}/g, '').trim() !== ''
}

function lineAt(text: string, offset: number): number {
  const start = offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0)
  return text.slice(0, start).split('\n').length
}
