/**
 * Computes cost, latency and heat from one session to a million, and from one refresh a second to ten thousand.
 */

import { maxUnitsPerSecond, type Shares, sharesAt } from './heat.ts'
import { type Latency, latencyAt } from './latency.ts'
import { drawOwners } from './population.ts'
import { billOfRefreshes, billOfStack, billOfStorage, totalOf } from './prices.ts'
import { chanceFrom } from './random.ts'

/** The average size of a session in gigabytes, including DynamoDB's overhead for each item. */
export type SessionSize = { readonly table: number; readonly indexes: number }

export type Cost = {
  readonly sessions: number
  readonly perSecond: number
  readonly parts: {
    readonly gateway: number
    readonly table: number
    readonly functions: number
    readonly logs: number
  }
  /** The cost that does not depend on the number of sessions. */
  readonly stack: number
  readonly total: number
}

export type Growth = {
  /** By the number of sessions. Each session refreshes every hour. */
  readonly costs: readonly Cost[]
  readonly costsByRate: readonly Cost[]
  readonly latencies: readonly Latency[]
  readonly shares: readonly Shares[]
  readonly hot: Hot
}

/** How many events a second bring the hottest key or partition to DynamoDB's limit. */
export type Hot = {
  readonly refreshes: number
  /** Sessions that begin: for the drawn mix of clients, for one client only, and for the drawn mix of people. */
  readonly begun: { readonly client: number; readonly onlyClient: number; readonly subject: number }
  /** Sessions that end and whose tokens have to be revoked at the provider. */
  readonly ended: number
}

const monthSeconds = 30 * 24 * 3600
/** How often a session refreshes: 720 times a month. */
export const refreshEverySeconds = 3600

export function costAt(sessions: number, perSecond: number, size: SessionSize): Cost {
  const bill = new Map(billOfRefreshes(perSecond * monthSeconds, 1, 0))
  const sum = (...names: readonly string[]) => names.reduce((dollars, name) => dollars + bill.get(name)!, 0)
  const parts = {
    gateway: sum('API Gateway, REST', 'WAF'),
    table: sum('DynamoDB, writes') + totalOf(billOfStorage(sessions * size.table, sessions * size.indexes)),
    functions: sum('Lambda, requests', 'Lambda, duration'),
    logs: sum('CloudWatch Logs', 'data transfer out'),
  }
  const stack = totalOf(billOfStack())
  const total = Object.values(parts).reduce((dollars, part) => dollars + part, stack)
  return { sessions, perSecond, parts, stack, total }
}

/** @param partDone called after each of `growthParts` parts */
export function growthOf(size: SessionSize, seed: number, partDone: () => void = () => {}): Growth {
  const chance = chanceFrom(seed)
  const costs = steps(0, 6, 10).map((sessions) => costAt(sessions, sessions / refreshEverySeconds, size))
  const costsByRate = steps(0, 4, 10).map((perSecond) => costAt(perSecond * refreshEverySeconds, perSecond, size))
  const latencies = latencyRates.map((perSecond) => {
    partDone()
    return latencyAt(perSecond, latencyRequests, chance)
  })
  const shares = sharesAt(
    steps(0, 6, 10).map((sessions) => Math.round(sessions)),
    drawOwners(chance),
  )
  partDone()
  return { costs, costsByRate, latencies, shares, hot: hotAt(shares.at(-1)!) }
}

const latencyRequests = 20_000
/** From once an hour to ten thousand a second. */
const latencyRates = steps(Math.log10(1 / 3600), 4, 10)
export const growthParts = latencyRates.length + 1

/**
 * A begun session writes one unit to each index; an ended one writes two to `revocations-due`, whose entries share one
 * key.
 */
function hotAt({ partition, client, subject }: Shares): Hot {
  return {
    refreshes: maxUnitsPerSecond / partition,
    begun: {
      client: maxUnitsPerSecond / client,
      onlyClient: maxUnitsPerSecond,
      subject: maxUnitsPerSecond / subject,
    },
    ended: maxUnitsPerSecond / 2,
  }
}

/** Powers of ten from one exponent to another, with `perDecade` steps in each decade. */
function steps(from: number, to: number, perDecade: number): number[] {
  const count = Math.round((to - from) * perDecade)
  return Array.from({ length: count + 1 }, (_, step) => 10 ** (from + ((to - from) * step) / count))
}
