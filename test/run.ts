/**
 * `npm test`: types, lint and format, then every test with the branches it took counted.
 *
 * Owns the order and the gate. Names of files or folders after `npm test --` run just these tests, without the gate.
 */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name: string) => join(root, 'node_modules', '.bin', name)

/** Branches of the product that some test must have taken, in percent. */
const leastBranches = 95

const chosen = process.argv.slice(2)
const chromium = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

const steps: readonly (readonly [what: string, command: string, words: readonly string[]])[] = [
  ['Types', bin('tsc'), []],
  ['Lint and format', bin('biome'), ['check', '--error-on-warnings']],
  [chosen.length > 0 ? 'The chosen tests' : 'Tests', process.execPath, testWords()],
]

for (const [what, command, words] of chosen.length > 0 ? steps.slice(-1) : steps) {
  const startedAt = performance.now()
  console.log(`\n${what} …`)
  const code = await run(command, words)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (code !== 0) {
    console.error(`${what}: failed after ${seconds} s, see above.`)
    process.exit(code)
  }
  console.log(`${what}: passed in ${seconds} s.`)
}
if (!existsSync(chromium)) console.log(`The pages were not tried in a browser: there is no Chromium at ${chromium}.`)

function testWords(): string[] {
  const files = chosen.map((name) => (name.endsWith('.ts') ? name : `${name}/**/*.test.ts`))
  if (files.length > 0) return ['--test', ...files]
  return [
    '--test',
    // Most tests wait for a broker, a database or a browser of their own, so more than one at a time fits on a core.
    '--test-concurrency=3',
    '--experimental-test-coverage',
    '--test-coverage-include=shared/**/*.ts',
    '--test-coverage-include=functions/**/*.ts',
    `--test-coverage-branches=${leastBranches}`,
    'test/**/*.test.ts',
  ]
}

function run(command: string, words: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { cwd: root, stdio: 'inherit' })
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 0 : 1)))
  })
}
