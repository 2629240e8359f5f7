/**
 * The suite: `npm test`. Types and style, then every test, then how much of the product they went through.
 *
 *     npm test                       all of it, as `.ci/run` has it
 *     npm test -- domain store       the test files whose path holds one of the words, and nothing else
 *
 * Owns the order, the gates and what is printed. Files run in groups (groups.ts).
 */

import { spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, join, sep } from 'node:path'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { groupsOf } from './groups.ts'
import { chromiumPath } from './pages/browser.ts'
import { coverageIn, type FileCoverage } from './support/coverage.ts'
import { type GroupResult, runGroup } from './support/group-run.ts'

/** Of the branches of each folder, percent. */
const gates: readonly (readonly [folder: string, percent: number])[] = [
  ['shared/domain/', 98],
  ['shared/store/', 95],
  ['shared/http/', 95],
  ['shared/vault/', 95],
  ['shared/', 95],
  ['functions/', 92],
]

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const files = globSync('test/**/*.test.ts', { cwd: root })
  .map((file) => file.split(sep).join('/'))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort()
if (files.length === 0) fail(`No test file's path holds ${words.join(' or ')}.`)
if (!existsSync(chromiumPath)) {
  print(`There is no Chromium at ${chromiumPath} (CHROMIUM_PATH names another), so the tests in a browser do not run.`)
}

const checked = words.length > 0 || (await check())
const directory = await mkdtemp(join(tmpdir(), 'token-broker-coverage-'))
const { passed, summary } = await runTests(directory)
const covered = words.length > 0 || gate(coverageIn(directory, ['functions', 'shared']))
await rm(directory, { recursive: true })
print(summary)
process.exitCode = checked && passed && covered ? 0 : 1

// --- types and style ------------------------------------------------------------------------------------------------

async function check(): Promise<boolean> {
  const both = await Promise.all([tool('types', 'tsc'), tool('style', 'biome', 'check', '--error-on-warnings')])
  return both.every(Boolean)
}

/** Runs one of node_modules/.bin; what it says is shown if it finds something. */
async function tool(name: string, command: string, ...args: string[]): Promise<boolean> {
  const started = performance.now()
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text))
  const code = await new Promise((resolve) =>
    child.once('close', resolve).once('error', (error) => output.push(String(error))),
  )
  print(`${code === 0 ? '✔' : '✖'} ${name} ${seconds(performance.now() - started)}`)
  if (code !== 0) print(output.join(''))
  return code === 0
}

// --- tests ----------------------------------------------------------------------------------------------------------

async function runTests(directory: string): Promise<{ passed: boolean; summary: string }> {
  const started = performance.now()
  const failures = new spec()
  failures.pipe(process.stdout, { end: false })
  const queue = groupsOf(files)
  const results: GroupResult[] = []
  // Most of what a test file does is to wait: for a process to start, for the store, for the SDK to try again.
  const workers = Array.from({ length: Math.max(2, availableParallelism()) + 2 }, async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      results.push(await runGroup(group, directory, failures))
    }
  })
  await Promise.all(workers)
  await new Promise<void>((resolve) => failures.end(resolve))
  const counts = ['tests', 'passed', 'failed', 'cancelled', 'skipped', 'todo'] as const
  const sums = counts.map((name) => `ℹ ${name} ${results.reduce((sum, result) => sum + result.counts[name], 0)}`)
  return {
    passed: results.every(({ success }) => success),
    summary: [...sums, `ℹ ${seconds(performance.now() - started)}`].join('\n'),
  }
}

// --- coverage -------------------------------------------------------------------------------------------------------

/** Prints how many branches ran, folder by folder, and where the gates are not met which ones did not. */
function gate(coverage: readonly FileCoverage[]): boolean {
  print('\nBranches that ran')
  let met = true
  for (const [folder, least] of gates) {
    const inFolder = coverage.filter(({ path }) => path.startsWith(folder))
    const covered = inFolder.reduce((sum, file) => sum + file.covered, 0)
    const total = inFolder.reduce((sum, file) => sum + file.branches, 0)
    const percent = (100 * covered) / total
    const enough = percent >= least
    met &&= enough
    print(
      `${enough ? '✔' : '✖'} ${folder.padEnd(16)} ${covered} of ${total}, ${percent.toFixed(1)} %, at least ${least} %`,
    )
  }
  const missed = coverage.filter((file) => file.missed.length > 0)
  for (const { path, missed: lines } of missed) print(`  never ran: ${path}:${lines.join(', ')}`)
  print('')
  return met
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function fail(message: string): never {
  print(message)
  process.exit(1)
}
