/**
 * The budgets of the broker (docs/architecture.md), and the verdicts on them.
 */

import type { ImportTiming } from './cold-import.ts'
import type { Counting, OperationCost } from './counting.ts'
import type { Crowd } from './crowd.ts'
import type { OperationName } from './operations.ts'
import type { Timing } from './timing.ts'

/** A figure beside its limit. */
export type Verdict = {
  readonly what: string
  readonly figure: number
  readonly atMost: number
  readonly holds: boolean
}

const maxRequests: Readonly<Record<OperationName, number>> = {
  refresh: 1,
  'pending poll': 1,
  // The poll, which finds that the person has approved, and the redemption.
  'approved poll': 2,
  'code exchange': 1,
  revoke: 1,
  'device start': 1,
  'service token': 0,
  'workload token': 0,
  // One reads the family and the vault, the other rotates the refresh token.
  'provider refresh': 2,
  'token exchange': 1,
}

type Units = Pick<OperationCost, 'writeUnits' | 'readUnits'>

/** Limits for the operations that happen all day. */
const maxUnits: Partial<Record<OperationName, Units>> = {
  refresh: { writeUnits: 1, readUnits: 0 },
  'provider refresh': { writeUnits: 1, readUnits: 1 },
  'token exchange': { writeUnits: 0, readUnits: 1 },
}

/** Requests to the issuer by a broker that already has the issuer's keys. */
const maxIssuerRequests = 0
/** Requests to the provider when its token has expired, however many callers ask at the same time. */
const maxProviderRequests = 1
/** The time of a refresh, relative to the floor. */
const maxRefreshRatio = 1.25
/**
 * The import time, relative to the DynamoDB document client alone. The store has to use that client
 * (docs/decisions/0054), so every implementation imports it, and the budget is for our own code. It is 10 KB larger than
 * the plain client.
 */
const maxRefreshImportRatio = 1.15

/** The verdicts on requests to DynamoDB and on units: one for each limit. */
export function judgeCost({ name, requests, writeUnits, readUnits }: OperationCost): Verdict[] {
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0)
  const limit = maxUnits[name]
  return [
    judge(`${name}: requests`, total, maxRequests[name]),
    ...(limit === undefined
      ? []
      : [
          judge(`${name}: write units`, writeUnits, limit.writeUnits),
          judge(`${name}: read units`, readUnits, limit.readUnits),
        ]),
  ]
}

export function judgeIssuer({ issuerRequests }: Counting): Verdict[] {
  return [judge('workload token: requests to the issuer', issuerRequests, maxIssuerRequests)]
}

export function judgeCrowd({ workers, providerRequests }: Crowd): Verdict[] {
  return [judge(`${workers} workers at once: requests to the provider`, providerRequests, maxProviderRequests)]
}

export function judgeTiming({ name, ratio }: Timing): Verdict[] {
  return name === 'refresh' ? [judge('refresh: time against the floor', ratio.median, maxRefreshRatio)] : []
}

export function judgeImport({ name, ratio }: ImportTiming): Verdict[] {
  return name === 'refresh'
    ? [judge('refresh: cold import against the client', ratio.median, maxRefreshImportRatio)]
    : []
}

function judge(what: string, figure: number, atMost: number): Verdict {
  return { what, figure, atMost, holds: figure <= atMost }
}
