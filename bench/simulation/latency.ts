/**
 * How long a function takes for a refresh, by how many come a second: a model of Lambda's environments, each of which serves one
 * request at a time, and of what a warm broker reads again.
 */

import { memoryMb } from '../../infra/limits.ts'
import { registrationsCachedMs } from '../../shared/store/registrations.ts'
import { keyringCachedMs } from '../../shared/tokens/keyring.ts'
import type { Chance } from './random.ts'

/** On a machine of two cores (AMD EPYC, third generation), on 28 November 2026. */
export const measured = {
  /** CPU time of the broker for a refresh: `npm run bench -- --peers`. */
  refreshCpuMs: 3.9,
  /** CPU time of importing the function's bundle in a fresh process. */
  importMs: 70,
} as const

/** AWS promises none of these. */
export const assumed = {
  /** From the function's request to DynamoDB's answer. */
  dynamodbMs: 5,
  secretsManagerMs: 20,
  /** Until AWS has an environment with Node running. */
  environmentMs: 200,
  /** By which a first request takes longer: connections are opened, and code is compiled. */
  firstRequestMs: 60,
  /** An environment that is not called for so long is taken away. */
  keptMs: 600_000,
} as const

/** Lambda gives a whole CPU at this size, and less in proportion. While a function starts it gives two. */
const megabytesOfCpu = 1_769

/** What a refresh takes by what the function has already. Application and client are read one after the other. */
export const warmMs = assumed.dynamodbMs + measured.refreshCpuMs / Math.min(1, memoryMb / megabytesOfCpu)
const registrationsMs = 2 * assumed.dynamodbMs
const startMs = assumed.environmentMs + measured.importMs + assumed.firstRequestMs
export const withRegistrationsMs = warmMs + registrationsMs
export const withKeyringMs = withRegistrationsMs + assumed.secretsManagerMs
export const coldMs = withKeyringMs + startMs

export type Latency = {
  readonly perSecond: number
  /** So long at most for half of them, and for 99 of 100. */
  readonly half: number
  readonly slow: number
  /** The share that meets no free environment. */
  readonly coldShare: number
}

type Environment = { freeAt: number; registrationsReadAt: number; keyringReadAt: number }

/** @param count of requests that are measured, after as many that are not */
export function latencyAt(perSecond: number, count: number, chance: Chance): Latency {
  /** By the time at which they get free, the next one last. */
  const busy: Environment[] = []
  /** The one that was used last is last, and is taken first. */
  const free: Environment[] = []
  const times = new Float64Array(count)
  let [now, cold] = [0, 0]
  for (let at = -count; at < count; at += 1) {
    now += (-Math.log(1 - chance.next()) * 1000) / perSecond
    while (busy.length > 0 && busy.at(-1)!.freeAt <= now) free.push(busy.pop()!)
    const last = free.pop()
    const isWarm = last !== undefined && now - last.freeAt <= assumed.keptMs
    // The others were used before this one.
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

/** Most of them get free later than all others, so the search begins at the front. */
function insert(busy: Environment[], environment: Environment): void {
  const at = busy.findIndex(({ freeAt }) => freeAt <= environment.freeAt)
  busy.splice(at < 0 ? busy.length : at, 0, environment)
}
