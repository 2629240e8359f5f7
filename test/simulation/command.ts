/** `npm run simulate:faults`: schedules of the whole broker, with faults. docs/simulation.md describes it. */

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { plantedBugs } from './planted-bugs.ts'
import { described, simulate } from './run.ts'
import type { Found } from './worker.ts'

const usage = `npm run simulate:faults -- [options]

  --schedules N   how many runs, by default 1000
  --seed S        the first one's seed, by default another one each time
  --workers K     threads, by default one for each processor
  --keep KEYS     only these faults and actions take place, with commas between; for one schedule
  --planted       looks for each planted bug (test/simulation/planted-bugs.ts), or for those that --bug names
  --bug NAME      runs with one of them
  --trace         prints what happened in the last schedule
`

/** Where nobody looks, a line for so many schedules is enough. */
const toldEvery = 10_000

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const options = {
  ...{ schedules: text, seed: text, workers: text, keep: text, bug: text },
  ...{ trace: flag, planted: flag, help: flag },
} as const

try {
  const { values } = parseArgs({ options })
  if (values.help) process.stdout.write(usage)
  else if (values.planted) await findAll(values)
  else await run(values)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

async function findAll(values: Values): Promise<void> {
  const tell = ({ bug, schedules, invariant }: Found) => {
    process.stdout.write(`${bug.padEnd(28)} ${String(schedules).padStart(5)} ${invariant ?? 'NOT FOUND'}\n`)
    if (invariant === undefined) process.exitCode = 1
  }
  const task = {
    firstSeed: whole(values, 'seed', 1),
    schedules: 0,
    bugs: values.bug?.split(',') ?? Object.keys(plantedBugs),
  }
  await simulate(task, whole(values, 'workers', availableParallelism()), { found: tell })
}

async function run(values: Values): Promise<void> {
  const seed = whole(values, 'seed', Date.now() % 1_000_000_000)
  const schedules = whole(values, 'schedules', 1_000)
  const workers = Math.min(schedules, whole(values, 'workers', availableParallelism()))
  const { bug, trace: tellsTrace = false } = values
  if (bug !== undefined && plantedBugs[bug] === undefined) throw new Error(`There is no planted bug ${bug}.`)
  const keep = values.keep?.split(',')
  const startedMs = performance.now()
  const perSecond = (count: number) => (count / ((performance.now() - startedMs) / 1_000)).toFixed(1)
  const task = { firstSeed: seed, schedules, bug, keep, tellsTrace }
  const {
    finding,
    trace,
    schedules: done,
  } = await simulate(task, workers, {
    schedules: (count) => {
      const line = `${count} schedules, ${perSecond(count)} a second`
      if (process.stderr.isTTY) process.stderr.write(`\r${line} `)
      else if (count % toldEvery === 0) process.stderr.write(`${line}\n`)
    },
  })
  if (process.stderr.isTTY) process.stderr.write('\n')
  if (tellsTrace) process.stdout.write(`${trace.join('\n')}\n`)
  if (finding !== undefined) {
    process.stdout.write(`${described(finding, bug)}\n`)
    process.exitCode = 1
    return
  }
  process.stdout.write(`${done} schedules from seed ${seed}: every invariant holds (${perSecond(done)} a second)\n`)
}

function whole(values: Values, name: 'seed' | 'schedules' | 'workers', otherwise: number): number {
  const given = values[name]
  if (given === undefined) return otherwise
  const number = Number(given)
  const least = name === 'seed' ? 0 : 1
  if (!Number.isSafeInteger(number) || number < least)
    throw new Error(`--${name} must be a whole number from ${least} on.`)
  return number
}
