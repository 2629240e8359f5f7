/**
 * Measures how long the operations take, compared with the floor.
 *
 * Batches of the broker and of the floor alternate, so other work on the machine affects both. A ratio compares only batches
 * that ran directly after each other. Both servers are started several times, because no two processes are equally fast.
 */

import { type Answer, type Caller, createCaller, type Form } from './caller.ts'
import { type Operation, type OperationName, operations, type Session } from './operations.ts'
import { startServer } from './processes.ts'
import type { Stage } from './stage.ts'
import { median, type Spread, spreadOf } from './statistics.ts'

export type LoadPlan = {
  /** Rounds that do not count, to warm up both servers. */
  readonly warmUpRounds: number
  readonly rounds: number
  /** Sessions in a round, and so requests in a batch. */
  readonly batch: number
  /** Simultaneous requests. */
  readonly concurrency: number
}

export type TimingPlan = {
  /** How often both servers are started. */
  readonly starts: number
  /** The loads of each start, one after another. */
  readonly loads: readonly LoadPlan[]
}

/** The figures of one operation. A time is the median of a batch. A ratio compares a batch with the floor's next to it. */
export type Timing = {
  readonly name: OperationName
  readonly ms: Spread
  readonly floorMs: Spread
  readonly ratio: Spread
  readonly perSecond: number
  readonly floorPerSecond: number
}

export type LoadTiming = { readonly load: LoadPlan; readonly operations: readonly Timing[] }

/** A refresh is the most frequent operation, so it is measured more often. */
const timesInRound = (name: OperationName) => (name === 'refresh' ? 3 : 1)

type Batch = { readonly ms: number; readonly perSecond: number }
type Pair = { readonly name: OperationName; readonly broker: Batch; readonly floor: Batch }

/** @param roundDone called after each of `roundsOf(plan)` rounds */
export async function timeOperations(
  stage: Stage,
  { starts, loads }: TimingPlan,
  roundDone: () => void,
): Promise<LoadTiming[]> {
  const measured = loads.map((load) => ({ load, pairs: [] as Pair[] }))
  for (let start = 0; start < starts; start += 1) {
    const servers = await Promise.all([
      startServer('broker', stage.environment),
      startServer('floor', stage.environment),
    ])
    const [broker, floor] = [createCaller(servers[0].url), createCaller(servers[1].url)]
    try {
      for (const { load, pairs } of measured) pairs.push(...(await runLoad({ stage, broker, floor, load }, roundDone)))
    } finally {
      for (const end of [...[broker, floor], ...servers]) await end.close()
    }
  }
  return measured.map(({ load, pairs }) => ({
    load,
    operations: operations.map(({ name }) =>
      timingOf(
        name,
        pairs.filter((pair) => pair.name === name),
      ),
    ),
  }))
}

export function roundsOf({ starts, loads }: TimingPlan): number {
  return starts * loads.reduce((sum, { warmUpRounds, rounds }) => sum + warmUpRounds + rounds, 0)
}

type Scene = { readonly stage: Stage; readonly broker: Caller; readonly floor: Caller; readonly load: LoadPlan }

async function runLoad(scene: Scene, roundDone: () => void): Promise<Pair[]> {
  const { warmUpRounds, rounds } = scene.load
  const pairs: Pair[] = []
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    const measured = await runRound(scene, round % 2 === 0)
    if (round >= 0) pairs.push(...measured)
    roundDone()
  }
  return pairs
}

/** A batch of sessions performs all operations. */
async function runRound({ stage, broker, floor, load }: Scene, brokerFirst: boolean): Promise<Pair[]> {
  const sessions = Array.from({ length: load.batch }, (): Session => ({}))
  const pairs: Pair[] = []
  for (const operation of operations) {
    for (let time = 0; time < timesInRound(operation.name); time += 1) {
      if (operation.prepare) for (const session of sessions) await operation.prepare(session, stage, broker)
      // Send the floor the same form, so that it has the same work to receive it.
      const form = operation.form(sessions[0]!)
      const ofBroker = () => runBatch(sessions, load.concurrency, (session) => perform(broker, operation, session))
      const ofFloor = () => runBatch(sessions, load.concurrency, async () => (await ask(floor, '/', form, 200)).ms)
      const first = await (brokerFirst ? ofBroker : ofFloor)()
      const second = await (brokerFirst ? ofFloor : ofBroker)()
      const { name } = operation
      pairs.push(brokerFirst ? { name, broker: first, floor: second } : { name, broker: second, floor: first })
    }
  }
  return pairs
}

async function runBatch(
  sessions: readonly Session[],
  concurrency: number,
  measure: (session: Session) => Promise<number>,
): Promise<Batch> {
  const waiting = sessions.values()
  const times: number[] = []
  const startedAt = performance.now()
  const work = async () => {
    for (const session of waiting) times.push(await measure(session))
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return { ms: median(times), perSecond: (1000 * times.length) / (performance.now() - startedAt) }
}

/** @returns ms */
export async function perform(caller: Caller, operation: Operation, session: Session): Promise<number> {
  const { path, status, authorization } = operation
  const { text, ms } = await ask(caller, path, operation.form(session), status, authorization)
  operation.keep?.(session, JSON.parse(text) as Record<string, string>)
  return ms
}

/** @throws when the answer is not the expected one, because its time would mean nothing */
async function ask(caller: Caller, path: string, form: Form, status: number, authorization?: string): Promise<Answer> {
  const answer = await caller.post(path, form, authorization)
  if (answer.status !== status)
    throw new Error(`${path} answered ${answer.status} instead of ${status}: ${answer.text}`)
  return answer
}

function timingOf(name: OperationName, pairs: readonly Pair[]): Timing {
  return {
    name,
    ms: spreadOf(pairs.map(({ broker }) => broker.ms)),
    floorMs: spreadOf(pairs.map(({ floor }) => floor.ms)),
    ratio: spreadOf(pairs.map(({ broker, floor }) => broker.ms / floor.ms)),
    perSecond: median(pairs.map(({ broker }) => broker.perSecond)),
    floorPerSecond: median(pairs.map(({ floor }) => floor.perSecond)),
  }
}
