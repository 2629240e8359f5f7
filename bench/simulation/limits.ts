/**
 * How many refreshes a second a stack takes before something refuses, with the settings and quotas that it begins with.
 */

import { firstPartitions, maxUnitsPerSecond } from './heat.ts'
import { coldMs } from './latency.ts'

/** Lambda takes so many requests a second for each of the functions that may run at once. */
const requestsPerConcurrency = 10

const usualConcurrency = 1_000

/** Of the stack; test/infra/edge.test.ts compares the first two with the template. */
export const limits = {
  address: 3_000 / 300,
  route: 500,
  /** An account's first quota, which may be as low as 10 functions at once and is usually 1,000. */
  newAccount: 10 * requestsPerConcurrency,
  account: usualConcurrency * requestsPerConcurrency,
  newTable: firstPartitions * maxUnitsPerSecond,
  gateway: 10_000,
  /** From one moment to the next, with no function warm: so many keep the account's functions busy until the first is free. */
  rush: usualConcurrency / (coldMs / 1000),
} as const
