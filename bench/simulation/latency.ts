/**
 * Computes how long a function takes for a refresh, by the number of refreshes a second. It models Lambda's environments,
 * each of which serves one request at a time, and the broker's caches.
 */

import { memoryMb } from '../../infra/limits.ts'
import { registrationsCachedMs } from '../../shared/store/registrations.ts'
import { keyringCachedMs } from '../../shared/tokens/keyring.ts'
import type { Chance } from './random.ts'

/** Measured on a machine with two cores (AMD EPYC, third generation), on 28 November 2026. */
export const measured = {
  /** CPU time of the broker for a refresh: `npm run bench -- --peers`. */
  refreshCpuMs: 3.9,
  /** CPU time of importing the function's bundle in a fresh process. */
  importMs: 70,
} as const

/** Assumptions. AWS guarantees none of these. */
export const assumed = {
  /** From the function's request to DynamoDB's answer. */
  dynamodbMs: 5,
  secretsManagerMs: 20,
  /** Until an environment with Node runs. */
  environmentMs: 200,
  /** The additional time of a first request, which opens connections and compiles code. */
  firstRequestMs: 60,
  /** Lambda removes an environment that has not been called for this long. */
  keptMs: 600_000,
} as const

/**
 * With this much memory, Lambda gives a whole CPU, and with less a proportional share. While a function starts, it gives
 * two.
 */
const megabytesOfCpu = 1_769

/** The time of a refresh, by what the function has in its cache. It reads application and client one after the other. */
export const warmMs = assumed.dynamodbMs + measured.refreshCpuMs / Math.min(1, memoryMb / megabytesOfCpu)
const registrationsMs = 2 * assumed.dynamodbMs
const startMs = assumed.environmentMs + measured.importMs + assumed.firstRequestMs
export const withRegistrationsMs = warmMs + registrationsMs
export const withKeyringMs = withRegistrationsMs + assumed.secretsManagerMs
export const coldMs = withKeyringMs + startMs

export type Latency = {
  readonly perSecond: number
  /** The median and the 99th percentile, ms. */
  readonly half: number
  readonly slow: number
  /** The share of requests that find no free environment. */
  readonly coldShare: number
}

type Environment = { freeAt: number; registrationsReadAt: number; keyringReadAt: number }

/** @param count the number of measured requests. The same number before them warms up the model */
export function latencyAt(perSecond: number, count: number, chance: Chance): Latency {
  /** Sorted by the time at which they become free, the next one last. */
  const busy: Environment[] = []
  /** A stack: the most recently used environment is last, and is taken first. */
  const free: Environment[] = []
  const times = new Float64Array(count)
  let [now, cold] = [0, 0]
  for (let at = -count; at < count; at += 1) {
    now += (-Math.log(1 - chance.next()) * 1000) / perSecond
    while (busy.length > 0 && busy.at(-1)!.freeAt <= now) free.push(busy.pop()!)
    const last = free.pop()
    const isWarm = last !== undefined && now - last.freeAt <= assumed.keptMs
    // The others have been idle for even longer.
    if (!isWarm) free.length = 0
    const environment = isWarm ? last : { freeAt: 0, registrationsReadAt: never, keyringReadAt: never }
    const ms = (isWarm ? 0 : startMs) + serve(environment, now)
    environment.freeAt = now + ms
    insert(busy, environment)
    if (at < 0) continue
    times[at] = ms
    if (!isWarm) cold += 1
  }
  times.sort()
  const of = (share: number) => times[Math.min(count - 1, Math.floor(share * count))]!
  return { perSecond, half: of(0.5), slow: of(0.99), coldShare: cold / count }
}

const never = Number.NEGATIVE_INFINITY

/** @returns ms */
function serve(environment: Environment, now: number): number {
  let ms = warmMs
  if (now - environment.registrationsReadAt >= registrationsCachedMs) {
    ms += registrationsMs
    environment.registrationsReadAt = now
  }
  if (now - environment.keyringReadAt >= keyringCachedMs) {
    ms += assumed.secretsManagerMs
    environment.keyringReadAt = now
  }
  return ms
}

/** A new one usually becomes free later than all others, so the search begins at the front. */
function insert(busy: Environment[], environment: Environment): void {
  const at = busy.findIndex(({ freeAt }) => freeAt <= environment.freeAt)
  busy.splice(at < 0 ? busy.length : at, 0, environment)
}
