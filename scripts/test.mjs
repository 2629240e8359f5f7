// Runs Node's test runner with the settings of this repository.
//
//     npm test                                types, style and every test
//     npm test -- test/flows/revoke.test.ts   these files, folders or patterns alone; options such as --test-name-pattern=A15 go
//                                             here, too
//     npm run coverage                        the tests of functions/ and shared/, and how many of their branches ran

import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2).filter((word) => word !== '--coverage')
const isCoverage = process.argv.includes('--coverage')

const variables = { PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` }
// Halves what a start of Node costs. V8 may not count what runs from the cache.
if (!isCoverage) variables.NODE_COMPILE_CACHE = join(root, 'node_modules', '.cache', 'token-broker')
// tsc and esbuild are Go programs. Collecting garbage less often saves a third of their CPU time.
variables.GOGC = '400'

const runner = [
  '--test',
  // Test files often wait: for processes that start, for the store, for timeouts.
  `--test-concurrency=${availableParallelism() + 4}`,
]
const setup = ['--test-global-setup=test/support/global-setup.ts']
/** Without the set-up, because what it starts ends after Node has counted. */
const coverage = [
  '--experimental-test-coverage',
  ...['functions/**', 'shared/**'].map((files) => `--test-coverage-include=${files}`),
  ...['dot', './test/support/coverage-by-folder.ts'].flatMap((reporter) => [
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stdout',
  ]),
]
/** Other folders' tests run programs, or take ways that these take, too. */
const ofTheProduct = [
  'domain',
  'flows',
  'functions',
  'http',
  'instances',
  'providers',
  'registry-file',
  'sessions',
  'shared',
  'sign-in',
  'store',
  'tokens',
  'vault',
]

const isWhole = !isCoverage && words.length === 0
if (isWhole) variables.TEST_WHOLE_RUN = 'yes'
// They run beside the tests, and what they find is printed last.
const checks = isWhole ? [check('tsc', '--singleThreaded'), check('biome', 'check', '--error-on-warnings')] : []
// Node reads no options behind the first file.
const [options, files] = [words.filter((word) => word.startsWith('-')), words.filter((word) => !word.startsWith('-'))]
const whole = isCoverage
  ? ['test/*.test.ts', ...ofTheProduct.flatMap((name) => testsIn(`test/${name}`))]
  : testsIn('test')
const patterns = files.length === 0 ? whole : files.flatMap((file) => (isFolder(file) ? testsIn(file) : [file]))
const isGreen = await run('node', ...runner, ...(isCoverage ? coverage : setup), ...options, ...patterns)
const findings = await Promise.all(checks)
for (const { name, output, isClean } of findings) {
  if (!isClean) console.log(`\n✖ ${name}\n${output}`)
}
process.exitCode = isGreen && findings.every(({ isClean }) => isClean) ? 0 : 1

/** The files of a folder that has an index.ts run in one process, which imports them all. The others have one each. */
function testsIn(folder) {
  const index = `${folder}/index.ts`
  if (existsSync(join(root, index))) return [index]
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? testsIn(path) : entry.name.endsWith('.test.ts') ? [path] : []
  })
}

function isFolder(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() === true
}

async function run(command, ...args) {
  return (await ended(start(command, args, 'inherit'))) === 0
}

async function check(name, ...args) {
  const child = start(name, args, 'pipe')
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)])
  return { name, output: `${stdout}${stderr}`, isClean: code === 0 }
}

function start(command, args, output) {
  const options = { cwd: root, env: { ...process.env, ...variables }, stdio: ['inherit', output, output] }
  return spawn(command, args, { ...options, shell: process.platform === 'win32' })
}

function ended(child) {
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
}
