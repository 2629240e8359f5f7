// Runs the tests with Node's test runner.
//
//     npm test                                types, style and every test
//     npm test -- test/flows/revoke.test.ts   these files or folders alone; --test-name-pattern=A15 chooses tests by their names
//     npm run coverage                        the tests of functions/ and shared/, and how many of their branches ran

import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { run as runTests } from 'node:test'
import { dot, spec as Spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parts } from '../test/support/parts.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    coverage: { type: 'boolean', default: false },
    'test-concurrency': { type: 'string' },
    'test-name-pattern': { type: 'string', multiple: true },
  },
})
const isWhole = !options.coverage && process.argv.length === 2

process.env.PATH = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`
// Halves what a start of Node costs. V8 may not count what runs from the cache.
if (!options.coverage) process.env.NODE_COMPILE_CACHE = join(root, 'node_modules', '.cache', 'token-broker')
// tsc and esbuild are Go programs. Collecting garbage less often saves a third of their CPU time.
process.env.GOGC = '400'
if (isWhole) process.env.TEST_WHOLE_RUN = 'yes'

/**
 * The folders whose tests take longest. They begin first, those that wait beside those that compute, so that nothing long is left when
 * the others are done.
 */
const longest = ['cli', 'flows', 'simulation', 'instances', 'store', 'infra', 'parts.ts', 'package', 'pages', 'local']
/** Beside the parts. Other folders' tests run programs, or take ways that these take, too. */
const covered = ['flows', 'instances', 'shared', 'store']

// They run beside the tests, and what they find is printed last.
const checks = isWhole ? [check('tsc', '--singleThreaded'), check('biome', 'check', '--error-on-warnings')] : []
const isGreen = await passed(startTests(chosen()))
const findings = await Promise.all(checks)
for (const { name, output, isClean } of findings) {
  if (!isClean) console.log(`\n✖ ${name}\n${output}`)
}
if (!isGreen || findings.some(({ isClean }) => !isClean)) process.exitCode = 1

function chosen() {
  if (files.length > 0) return files.flatMap((file) => (isFolder(file) ? testsIn(file) : [file]))
  const folders = options.coverage ? covered.map((name) => `test/${name}`) : foldersIn('test')
  const isOfPart = (path) => parts.some((part) => path.startsWith(`test/${part}/`))
  const others = [...testsBeside('test'), ...folders.flatMap(testsIn)].filter((path) => !isOfPart(path))
  return ['test/parts.ts', ...others].sort((one, other) => rank(one) - rank(other))
}

function rank(path) {
  const at = longest.indexOf(path.split('/')[1])
  return at === -1 ? longest.length : at
}

/** The files of a folder that has an index.ts run in one process, which imports them all. The others have one each. */
function testsIn(folder) {
  const index = `${folder}/index.ts`
  if (existsSync(index)) return [index]
  return [...testsBeside(folder), ...foldersIn(folder).flatMap(testsIn)]
}

function foldersIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${folder}/${name}`)
}

function testsBeside(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
  return names.map((name) => `${folder}/${name}`)
}

function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function startTests(paths) {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupted.abort())
  return runTests({
    files: paths.map((path) => resolve(path)),
    // Test files often wait: for processes that start, for the store, for timeouts.
    concurrency: Number(options['test-concurrency'] ?? availableParallelism() + 2),
    testNamePatterns: options['test-name-pattern'],
    signal: interrupted.signal,
    ...(options.coverage
      ? { coverage: true, coverageIncludeGlobs: ['functions/**', 'shared/**'] }
      : // Not under coverage, because what it starts ends after Node has counted.
        { globalSetupPath: join(root, 'test/support/global-setup.ts') }),
  })
}

async function passed(events) {
  const whole = new Promise((done) => {
    // The summary of the whole run names no file.
    events.on('test:summary', ({ file, success }) => file === undefined && done(success))
  })
  const reporters = options.coverage
    ? [dot, (await import('../test/support/coverage-by-folder.ts')).default]
    : [new Spec()]
  for (const reporter of reporters) events.compose(reporter).pipe(process.stdout)
  return whole
}

async function check(name, ...args) {
  const child = spawn(name, args, { stdio: ['inherit', 'pipe', 'pipe'], shell: process.platform === 'win32' })
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)])
  return { name, output: `${stdout}${stderr}`, isClean: code === 0 }
}

function ended(child) {
  return new Promise((done, failed) => child.once('error', failed).once('close', done))
}
