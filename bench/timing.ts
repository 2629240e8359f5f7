/**
 * How long the operations take beside the floor.
 *
 * Owns the order of the measurements: broker and floor by turns, each operation's batch right beside a batch of the floor,
 * the one first in one round and the other in the next. Other work on the machine so hits both, and a ratio is taken of
 * neighbours alone. Must not know what the budgets are.
 */

import { type Answer, type Caller, createCaller } from './caller.ts'
import { type Operation, type OperationName, operations, type Session } from './operations.ts'
import { startServer } from './processes.ts'
import type { Stage } from './stage.ts'
import { median, type Spread, spreadOf } from './statistics.ts'

export type TimingPlan = {
  readonly rounds: number
  /** Rounds before the first that counts, for both to get warm. */
  readonly warmUpRounds: number
  /** Sessions in a round, so requests in a batch. */
  readonly batch: number
  readonly concurrency: number
}

/** Of one operation; latencies are medians of a batch, ratios those of neighbouring batches. */
export type Timing = {
  readonly name: OperationName
  readonly ms: Spread
  readonly floorMs: Spread
  readonly ratio: Spread
  readonly perSecond: number
  readonly floorPerSecond: number
}

/** A refresh is what the broker does all day, so it is looked at more often. */
const timesInRound = (name: OperationName) => (name === 'refresh' ? 3 : 1)

type Batch = { readonly ms: number; readonly perSecond: number }
type Pair = { readonly broker: Batch; readonly floor: Batch }

/** @param progress told the share that is done, 0 to 1 */
export async function timeOperations(
  stage: Stage,
  plans: readonly TimingPlan[],
  progress: (share: number) => void,
): Promise<Timing[][]> {
  const servers = await Promise.all([startServer('broker', stage.environment), startServer('floor', stage.environment)])
  const [broker, floor] = servers.map(({ url }) => createCaller(url)) as [Caller, Caller]
  try {
    const all = plans.reduce((sum, { rounds, warmUpRounds }) => sum + rounds + warmUpRounds, 0)
    let done = 0
    const timings: Timing[][] = []
    for (const plan of plans) {
      timings.push(await timePlan({ stage, broker, floor, plan }, () => progress(++done / all)))
    }
    return timings
  } finally {
    for (const caller of [broker, floor]) caller.close()
    await Promise.all(servers.map((server) => server.close()))
  }
}

type Scene = { readonly stage: Stage; readonly broker: Caller; readonly floor: Caller; readonly plan: TimingPlan }

async function timePlan(scene: Scene, roundDone: () => void): Promise<Timing[]> {
  const { rounds, warmUpRounds } = scene.plan
  const pairs = new Map<OperationName, Pair[]>(operations.map(({ name }) => [name, []]))
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    const measured = await runRound(scene, round % 2 === 0)
    if (round >= 0) for (const [name, pair] of measured) pairs.get(name)!.push(pair)
    roundDone()
  }
  return operations.map(({ name }) => timingOf(name, pairs.get(name)!))
}

/** A batch of sessions goes through the whole story. */
async function runRound({ stage, broker, floor, plan }: Scene, brokerFirst: boolean): Promise<[OperationName, Pair][]> {
  const sessions = Array.from({ length: plan.batch }, (): Session => ({}))
  const pairs: [OperationName, Pair][] = []
  for (const operation of operations) {
    for (let time = 0; time < timesInRound(operation.name); time += 1) {
      if (operation.prepare) for (const session of sessions) await operation.prepare(session, stage)
      const ofBroker = () => runBatch(sessions, plan.concurrency, (session) => perform(broker, operation, session))
      // The same form, for the same work of taking it in.
      const form = operation.form(sessions[0]!)
      const ofFloor = () => runBatch(sessions, plan.concurrency, async () => (await ask(floor, '/', form, 200)).ms)
      const first = await (brokerFirst ? ofBroker : ofFloor)()
      const second = await (brokerFirst ? ofFloor : ofBroker)()
      pairs.push([operation.name, brokerFirst ? { broker: first, floor: second } : { broker: second, floor: first }])
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
  const worker = async () => {
    for (const session of waiting) times.push(await measure(session))
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return { ms: median(times), perSecond: (1000 * times.length) / (performance.now() - startedAt) }
}

/** @returns ms */
export async function perform(caller: Caller, operation: Operation, session: Session): Promise<number> {
  const { text, ms } = await ask(caller, operation.path, operation.form(session), operation.status)
  operation.keep?.(session, JSON.parse(text) as Record<string, string>)
  return ms
}

/** @throws when the answer is not the expected one: what it took would mean nothing */
async function ask(caller: Caller, path: string, form: Readonly<Record<string, string>>, status: number): Promise<Answer> {
  const answer = await caller.post(path, form)
  if (answer.status !== status) throw new Error(`${path} answered ${answer.status} instead of ${status}: ${answer.text}`)
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
