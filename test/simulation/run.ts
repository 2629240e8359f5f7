/** Runs schedules in worker threads, and tells of the first failure with the command that repeats it. */

import { Worker } from 'node:worker_threads'
import type { Finding, Found, Report, Task } from './worker.ts'

export type Simulated = {
  readonly schedules: number
  readonly finding: Finding | undefined
  /** Of the last schedule. */
  readonly digest: string
  readonly trace: readonly string[]
}

export type Progress = {
  /** Called with the number of schedules that are done. */
  readonly schedules?: (count: number) => void
  /** Called with each planted bug that was looked for. */
  readonly found?: (found: Found) => void
}

/** Runs a task in so many threads, which share its schedules and its planted bugs. */
export async function simulate(
  task: Omit<Task, 'step'>,
  workers = 1,
  { schedules: progress = () => {}, found = () => {} }: Progress = {},
): Promise<Simulated> {
  const running: Worker[] = []
  let done = 0
  const results = Array.from({ length: workers }, (_, at) => {
    const share = Math.ceil((task.schedules - at) / workers)
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: {
        ...{ ...task, firstSeed: task.firstSeed + at, step: workers, schedules: share },
        bugs: task.bugs?.filter((_, index) => index % workers === at) ?? [],
      } satisfies Task,
    })
    running.push(worker)
    const count = (more: number) => {
      done += more
      progress(done)
    }
    return resultOf(worker, { schedules: count, found })
  })
  try {
    // The first that finds something ends the others.
    const first = await Promise.race([foundIn(results), Promise.all(results).then(() => undefined)])
    const all = first === undefined ? await Promise.all(results) : [first]
    const schedules =
      first === undefined ? all.reduce((sum, result) => sum + result.schedules, 0) : done + first.schedules
    return { ...all[0]!, schedules }
  } finally {
    await Promise.all(running.map((worker) => worker.terminate()))
  }
}

/** Resolves with the first result that has a finding, and never without one. */
function foundIn(results: readonly Promise<Simulated>[]): Promise<Simulated> {
  return new Promise((resolve, reject) => {
    for (const result of results) {
      result.then((simulated) => {
        if (simulated.finding !== undefined) resolve(simulated)
      }, reject)
    }
  })
}

function resultOf(worker: Worker, { schedules, found }: Required<Progress>): Promise<Simulated> {
  return new Promise((resolve, reject) => {
    worker.on('message', (report: Report) => {
      if (report.kind === 'progress') schedules(report.schedules)
      else if (report.kind === 'found') found(report.found)
      else resolve(report)
    })
    worker.on('error', reject)
    worker.on('exit', (code) => reject(new Error(`a worker of the simulation ended with ${code}`)))
  })
}

/** What a failure is told as. */
export function described({ seed, violations, keep, trace }: Finding, bug?: string): string {
  const [first] = violations
  return [
    `${first?.invariant}: ${first?.what}`,
    '',
    ...trace.map((line) => `  ${line}`),
    '',
    'Repeat it with',
    `  npm run simulate:faults -- --seed ${seed} --schedules 1${bug === undefined ? '' : ` --bug ${bug}`} --keep '${keep.join(',')}'`,
    'or, with everything that this seed does,',
    `  npm run simulate:faults -- --seed ${seed} --schedules 1${bug === undefined ? '' : ` --bug ${bug}`}`,
  ].join('\n')
}
