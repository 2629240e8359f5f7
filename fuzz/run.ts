/**
 * `npm run fuzz`: schemathesis sends requests made from `/openapi.json` to a broker on this machine, and judges every answer by
 * the description; so are the answers to malformed requests (docs/fuzzing.md).
 *
 * Exit codes: 0 no finding, 1 a finding, 3 this machine cannot run it.
 */

import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startLocalStack } from '../local/stack.ts'
import { installPythonPackages } from '../scripts/python-packages.ts'
import { attempt } from '../scripts/run-command.ts'
import { type InFolder, runInFolder } from '../scripts/run-in-folder.ts'
import { operations } from '../shared/api-description/operations.ts'
import { GoodRequests } from './good-requests.ts'
import { sendMalformed } from './malformed-requests.ts'

const packages = { schemathesis: '4.32.5' } as const

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    examples: { type: 'string', default: '30' },
  },
})
const began = performance.now()

await runInFolder('fuzz', fuzz, (folder) => `Log: ${logIn(folder)}. Repeat it by npm run fuzz -- --seed ${values.seed}`)

function logIn(folder: string): string {
  return join(folder, 'fuzz.log')
}

async function fuzz({ folder, atEnd }: InFolder): Promise<void> {
  const log = logIn(folder)
  console.log('Installing schemathesis (only the first time) …')
  const programs = await installPythonPackages({ purpose: 'fuzz', command: 'npm run fuzz', packages, log })
  const stack = await startLocalStack({ isScheduled: false, functionLog: () => {} })
  atEnd(stack.close)
  const supply = await startSupply(new GoodRequests(stack))
  atEnd(supply.close)
  console.log(`Seed ${values.seed} (repeat it by npm run fuzz -- --seed ${values.seed})`)
  const countsFile = join(folder, 'counts.json')
  const { code, output } = await attempt(
    log,
    [
      join(programs, 'schemathesis'),
      ...['--config-file', join(import.meta.dirname, 'schemathesis.toml'), '--no-color', 'run'],
      ...['--seed', values.seed, '--max-examples', values.examples, `${stack.url}/openapi.json`],
    ],
    {
      cwd: folder,
      environment: {
        ...process.env,
        SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'hooks.py'),
        FUZZ_SUPPLY: supply.url,
        FUZZ_SEED: values.seed,
        FUZZ_COUNTS: countsFile,
      },
    },
  )
  console.log(output.trim())
  const counts = JSON.parse(await readFile(countsFile, 'utf8').catch(() => '{}')) as Counts
  console.log(`\n${table(counts)}`)
  const refused = withoutGoodAnswer(counts)
  const document = (await (await fetch(`${stack.url}/openapi.json`)).json()) as object
  const malformed = await sendMalformed(stack.url, document)
  console.log(`\n${malformed.count} malformed requests: ${malformed.faults.length} findings`)
  for (const fault of malformed.faults) console.log(`  ${fault}`)
  if (malformed.faults.length > 0)
    throw new Error('A malformed request got an answer that the description does not allow.')
  if (code !== 0) throw new Error('Schemathesis found answers that the description does not allow: see above.')
  if (refused.length > 0) throw new Error(`No request succeeded: ${refused.join(', ')}. Look at fuzz/good-requests.ts.`)
  console.log(`No finding in ${Math.round((performance.now() - began) / 1000)} s.`)
}

/** Hands good requests to hooks.py. */
async function startSupply(requests: GoodRequests) {
  const server = createServer((incoming, outgoing) => {
    const { searchParams } = new URL(incoming.url ?? '/', 'http://localhost')
    const [operation, choice] = [searchParams.get('operation') ?? '', Number(searchParams.get('choice'))]
    requests.of(operation, choice, searchParams.has('spoilt')).then(
      (request) => outgoing.end(JSON.stringify(request)),
      (error: unknown) => {
        console.error('No good request could be made:', error)
        outgoing.writeHead(500).end()
      },
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close }
}

/** How often each operation gave each status. */
type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>

function table(counts: Counts): string {
  const lines = Object.entries(counts).map(([operation, statuses]) => {
    const answers = Object.entries(statuses).map(([status, count]) => `${status} × ${count}`)
    return `  ${operation.padEnd(56)} ${answers.join(', ')}`
  })
  const total = Object.values(counts)
    .flatMap((statuses) => Object.values(statuses))
    .reduce((sum, count) => sum + count, 0)
  return [`${total} answers of ${lines.length} operations:`, ...lines].join('\n')
}

/** The fuzzing would show little about an operation whose requests are all refused. */
function withoutGoodAnswer(counts: Counts): readonly string[] {
  return Object.keys(operations).filter((operation) => {
    const statuses = Object.keys(counts[operation] ?? {})
    return !statuses.some((status) => status === '200' || status === '303')
  })
}
