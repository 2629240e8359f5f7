/**
 * Measures what a refresh costs at the broker and at its peers, and what happens if many refreshes of one token arrive at
 * once.
 *
 * The servers take turns on one DynamoDB, so other work on the machine affects all of them alike.
 */

import { startCountingProxy } from '../counting-proxy.ts'
import type { Stage } from '../stage.ts'
import { median } from '../statistics.ts'
import { type Contestant, contestants, type Running } from './contestants.ts'

export type PeerPlan = {
  readonly rounds: number
  /** Refreshes of one contestant in a round. */
  readonly batch: number
  readonly concurrency: number
  /** How often a crowd of refreshes is sent. */
  readonly crowds: number
}

/** The figures of one contestant. */
export type PeerFigures = {
  readonly name: string
  readonly settings: string
  readonly perSecond: number
  /** CPU time of its process per refresh, ms. */
  readonly cpuMs: number
  /** Requests to DynamoDB per refresh. */
  readonly requests: number
  readonly writeUnits: number
  readonly readUnits: number
  /** One refresh at a time, with a DynamoDB that answers 5 ms later; ms. */
  readonly latencyMs: number
  readonly crowd: CrowdFigures
}

/** The results of sending fifty requests with the same refresh token at once, several times. */
export type CrowdFigures = {
  readonly callers: number
  readonly succeeded: Range
  /** Different refresh tokens that were returned. */
  readonly successors: Range
  /** How many of these can be refreshed afterwards. 0: the session has ended. 1: it goes on. More: it has forked. */
  readonly live: Range
}

/** Over all crowds. */
export type Range = { readonly least: number; readonly most: number }

const delayMs = 5
const callers = 50

/** @param stepDone called after each of `peerStepsOf(plan)` steps */
export async function measurePeers(stage: Stage, plan: PeerPlan, stepDone: () => void): Promise<PeerFigures[]> {
  const speeds = await timeByTurns(stage, plan, stepDone)
  const figures: PeerFigures[] = []
  for (const [at, contestant] of contestants.entries()) {
    const cost = await costOf(contestant, stage)
    stepDone()
    const latencyMs = await latencyOf(contestant, stage)
    stepDone()
    const crowd = await crowdAt(contestant, stage, plan.crowds)
    stepDone()
    figures.push({
      name: contestant.name,
      settings: contestant.settings,
      ...speeds[at]!,
      ...cost,
      latencyMs,
      crowd,
    })
  }
  return figures
}

export function peerStepsOf({ rounds }: PeerPlan): number {
  return rounds + 1 + 3 * contestants.length
}

type Speed = { readonly perSecond: number; readonly cpuMs: number }

async function timeByTurns(stage: Stage, plan: PeerPlan, stepDone: () => void): Promise<Speed[]> {
  const running = await Promise.all(contestants.map((contestant) => contestant.start(stage)))
  try {
    const tokens: (readonly string[])[] = []
    for (const one of running) tokens.push(await one.sessions(plan.concurrency))
    const measured = running.map((): Speed[] => [])
    for (let round = -1; round < plan.rounds; round += 1) {
      const order = running.map((_, at) => (at + round + running.length) % running.length)
      for (const at of order) {
        const { speed, left } = await runBatch(running[at]!, tokens[at]!, plan.batch)
        tokens[at] = left
        if (round >= 0) measured[at]!.push(speed)
      }
      stepDone()
    }
    return measured.map((speeds) => ({
      perSecond: median(speeds.map(({ perSecond }) => perSecond)),
      cpuMs: median(speeds.map(({ cpuMs }) => cpuMs)),
    }))
  } finally {
    for (const one of running) await one.close()
  }
}

/** All sessions refresh at the same time, each again and again with its newest token. */
async function runBatch(running: Running, tokens: readonly string[], batch: number) {
  const each = Math.ceil(batch / tokens.length)
  const cpuBefore = await running.cpuMs()
  const startedAt = performance.now()
  const left = await Promise.all(tokens.map((token) => refreshTimes(running, token, each)))
  const ms = performance.now() - startedAt
  const count = each * tokens.length
  const cpuMs = ((await running.cpuMs()) - cpuBefore) / count
  return { speed: { perSecond: (1000 * count) / ms, cpuMs }, left }
}

async function refreshTimes(running: Running, first: string, times: number): Promise<string> {
  let token = first
  for (let time = 0; time < times; time += 1) token = await successorOf(running, token)
  return token
}

async function successorOf(running: Running, token: string): Promise<string> {
  const successor = await running.refresh(token)
  if (successor === undefined) throw new Error('A refresh of the bench was refused')
  return successor
}

const counted = 20

async function costOf(contestant: Contestant, stage: Stage) {
  const proxy = await startCountingProxy(stage.dynamodbEndpoint)
  const running = await contestant.start(stage, proxy.endpoint)
  try {
    const [first] = await running.sessions(1)
    // Not counted: the first refresh also reads what the process then caches, keys and registrations.
    let token = await successorOf(running, first!)
    proxy.take()
    token = await refreshTimes(running, token, counted)
    const requests = proxy.take()
    const perRefresh = (of: (typeof requests)[number]['writeUnits'][]) =>
      of.reduce((sum, one) => sum + one, 0) / counted
    return {
      requests: requests.length / counted,
      writeUnits: perRefresh(requests.map(({ writeUnits }) => writeUnits)),
      readUnits: perRefresh(requests.map(({ readUnits }) => readUnits)),
    }
  } finally {
    await running.close()
    await proxy.close()
  }
}

async function latencyOf(contestant: Contestant, stage: Stage): Promise<number> {
  const proxy = await startCountingProxy(stage.dynamodbEndpoint, delayMs)
  const running = await contestant.start(stage, proxy.endpoint)
  try {
    const [first] = await running.sessions(1)
    let token = await refreshTimes(running, first!, 30)
    const times: number[] = []
    for (let time = 0; time < 60; time += 1) {
      const startedAt = performance.now()
      token = await successorOf(running, token)
      times.push(performance.now() - startedAt)
    }
    return median(times)
  } finally {
    await running.close()
    await proxy.close()
  }
}

async function crowdAt(contestant: Contestant, stage: Stage, crowds: number): Promise<CrowdFigures> {
  const running = await contestant.start(stage)
  try {
    const [warmUp, ...tokens] = await running.sessions(crowds + 1)
    await refreshTimes(running, warmUp!, 20)
    const met: Awaited<ReturnType<typeof meet>>[] = []
    for (const token of tokens) met.push(await meet(running, token))
    return {
      callers,
      succeeded: rangeOf(met.map(({ succeeded }) => succeeded)),
      successors: rangeOf(met.map(({ successors }) => successors)),
      live: rangeOf(met.map(({ live }) => live)),
    }
  } finally {
    await running.close()
  }
}

async function meet(running: Running, token: string) {
  const answers = await Promise.all(Array.from({ length: callers }, () => running.refresh(token)))
  const given = answers.filter((successor) => successor !== undefined)
  const successors = [...new Set(given)]
  // Refresh all at once. One after another, the first refresh could end the sessions of the others.
  const afterwards = await Promise.all(successors.map((successor) => running.refresh(successor)))
  const live = afterwards.filter((successor) => successor !== undefined).length
  return { succeeded: given.length, successors: successors.length, live }
}

function rangeOf(numbers: readonly number[]): Range {
  return { least: Math.min(...numbers), most: Math.max(...numbers) }
}
