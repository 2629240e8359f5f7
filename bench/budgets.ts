/**
 * What the broker may cost (docs/architecture.md), and whether it keeps to that.
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
  // The poll itself, which finds that the person has decided, and the redeeming.
  'approved poll': 2,
  'code exchange': 1,
  revoke: 1,
  'device start': 1,
  'service token': 0,
  'workload token': 0,
  // Family and vault are read in one, and the refresh token is rotated.
  'provider refresh': 2,
  'token exchange': 1,
}

type Units = Pick<OperationCost, 'writeUnits' | 'readUnits'>

/** Of what happens all day. */
const maxUnits: Partial<Record<OperationName, Units>> = {
  refresh: { writeUnits: 1, readUnits: 0 },
  'provider refresh': { writeUnits: 1, readUnits: 1 },
  'token exchange': { writeUnits: 0, readUnits: 1 },
}

/** By a broker that has the issuer's keys. */
const maxIssuerRequests = 0
/** However many callers ask at once, whose provider's token is over. */
const maxProviderRequests = 1
/** Times the floor's. */
const maxRefreshRatio = 1.25
/**
 * Times the import of the DynamoDB document client alone. The store is to use that client (docs/decisions/0054), so every
 * implementation imports it, and the budget is for what we add. It is 10 KB more than the plain client.
 */
const maxRefreshImportRatio = 1.15

/** Requests to DynamoDB and units, a verdict for each limit. */
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
