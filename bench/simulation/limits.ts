/**
 * How many refreshes a second a stack takes with its default settings and AWS's default quotas.
 */

import { firstPartitions, maxUnitsPerSecond } from './heat.ts'
import { coldMs } from './latency.ts'

/** Lambda accepts this many requests a second for each unit of concurrency. */
const requestsPerConcurrency = 10

const usualConcurrency = 1_000

/** The limits in refreshes a second. test/infra/edge.test.ts compares the first two with the template. */
export const limits = {
  address: 3_000 / 300,
  route: 500,
  /** The quota of a new account. It may be as low as 10 functions at once; usually it is 1,000. */
  newAccount: 10 * requestsPerConcurrency,
  account: usualConcurrency * requestsPerConcurrency,
  newTable: firstPartitions * maxUnitsPerSecond,
  gateway: 10_000,
  /**
   * For a sudden rush without a warm function: this rate keeps all functions of the account busy until the first is free.
   */
  rush: usualConcurrency / (coldMs / 1000),
} as const
