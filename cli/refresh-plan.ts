/**
 * When a refresh is retried, and the `graceSeconds` that a client needs for that. docs/jobs.md documents these times.
 *
 * The grace counts from the rotation, which happens after the first try was sent. A try within the grace gets the same
 * successor. So every try begins within the grace minus one timeout.
 */

import type { Client } from '../shared/domain/registration.ts'

export type RefreshPlan = {
  /** Whether another try may follow one that got no answer. */
  readonly isRepeatable: boolean
  /** No try begins later than this after the first one began. */
  readonly lastBeginMs: number
  /** Timeouts of the first, the second and every later try. The last try waits until `maxRefreshMs`. */
  readonly timeoutsMs: readonly [number, number, number]
}

/** All tries of one refresh end within this time. Kubernetes sends SIGKILL 30 s after SIGTERM, systemd after 90 s. */
export const maxRefreshMs = 25_000

/** No request to the broker lives longer: API Gateway gives up after 29 s, a Lambda of the broker ends after 20 s. */
export const maxRequestSeconds = 30

/** The tries of one refresh take 25 s; the rest allows for the network and a cold start. */
export const neededGraceSeconds = 30
export const recommendedGraceSeconds = 60

/** Assumed if the broker did not say: the smallest grace that makes sense for a program. */
const assumedGraceSeconds = 10
const shareOfGrace = 0.85
const firstShare = 0.2

/**
 * Without grace there is one try, which gets the time of all tries. A second one could overtake the first; the broker would
 * then mistake the first for reuse and end a live session.
 *
 * @param graceSeconds of the client; undefined if the broker did not say
 */
export function refreshPlan(graceSeconds = assumedGraceSeconds): RefreshPlan {
  const withinMs = Math.min(maxRefreshMs, graceSeconds * 1000 * shareOfGrace)
  const timeoutMs = (share: number) => (graceSeconds === 0 ? maxRefreshMs : Math.round(withinMs * share))
  return {
    isRepeatable: graceSeconds > 0,
    lastBeginMs: (graceSeconds === 0 ? maxRefreshMs : withinMs) * (1 - firstShare),
    timeoutsMs: [timeoutMs(firstShare), timeoutMs(0.3), timeoutMs(0.4)],
  }
}

/** @returns a warning for operators if an unattended job cannot rely on this client */
export function graceWarning({ application, clientId, grants, graceSeconds }: GraceOf): string | undefined {
  const isUnattended = (['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'] as const).every((grant) =>
    grants.includes(grant),
  )
  if (!isUnattended || graceSeconds >= neededGraceSeconds) return undefined
  return `${application}/${clientId} has graceSeconds ${graceSeconds}. \`token-broker token\` needs ${neededGraceSeconds} to survive a lost answer. Set ${recommendedGraceSeconds} if jobs use this client; ignore this if a person is always there to sign in again.`
}

type GraceOf = Pick<Client, 'application' | 'clientId' | 'grants' | 'graceSeconds'>
