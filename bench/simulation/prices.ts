/**
 * AWS list prices in US dollars, us-east-1, on demand, without free tiers. docs/scale.md says when they were looked up.
 */

/** Prices by monthly amount: units up to `upTo` cost `price`. */
type Tiers = readonly (readonly [upTo: number, price: number])[]

const terabyte = 1024

export const prices = {
  apiGatewayRequest: [
    ...[[333e6, 3.5e-6] as const, [1e9, 2.8e-6] as const],
    ...[[20e9, 2.38e-6] as const, [Number.POSITIVE_INFINITY, 1.51e-6] as const],
  ] satisfies Tiers,
  firewallRequest: 0.6e-6,
  lambdaRequest: 0.2e-6,
  /** arm64 */
  lambdaGigabyteSecond: 0.0000133334,
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  tableGigabyteMonth: 0.25,
  /** For the size of the table without its indexes. */
  recoveryGigabyteMonth: 0.2,
  lambdaLogGigabyte: [
    ...[[10 * terabyte, 0.5] as const, [30 * terabyte, 0.25] as const],
    ...[[50 * terabyte, 0.1] as const, [Number.POSITIVE_INFINITY, 0.05] as const],
  ] satisfies Tiers,
  gatewayLogGigabyte: 0.5,
  transferGigabyte: [
    ...[[10 * terabyte, 0.09] as const, [50 * terabyte, 0.085] as const],
    ...[[150 * terabyte, 0.07] as const, [Number.POSITIVE_INFINITY, 0.05] as const],
  ] satisfies Tiers,
  /** Prices per month. */
  webAcl: 5,
  webAclRule: 1,
  encryptionKey: 1,
  secret: 0.4,
  dashboard: 3,
  alarmMetric: 0.1,
  metric: 0.3,
} as const

/** The resources that one refresh uses beside its write units. */
export const refreshUses = {
  /** The billed time of a function with 1 GB: DynamoDB's time and the CPU time of latency.ts. */
  milliseconds: 12,
  /**
   * Our own log line of a refresh with its metrics, for names of typical length. Measured by
   * test/bench/log-bytes.test.ts.
   */
  functionLogBytes: 665,
  /** The gateway's log line, measured by test/infra/edge.test.ts. Lambda itself logs nothing for a successful invocation. */
  gatewayLogBytes: 152,
  answerBytes: 1_400,
} as const

/** The parts of a stack with one application and one provider. test/infra/edge.test.ts counts keys, dashboard and alarms. */
export const stackHas = {
  webAclRules: 1,
  encryptionKeys: 2,
  secrets: 2,
  dashboards: 1,
  alarmMetrics: 52,
  /** All metrics, if each has values in every hour (docs/audit.md#metrics). */
  metrics: 43,
} as const

export type Bill = readonly (readonly [what: string, dollars: number])[]

/** @param count refreshes in a month, because prices fall with the monthly amount */
export function billOfRefreshes(count: number, writeUnitsEach: number, readUnitsEach: number): Bill {
  const gigabytes = (bytes: number) => (count * bytes) / 1e9
  const { milliseconds, functionLogBytes, gatewayLogBytes, answerBytes } = refreshUses
  return [
    ['API Gateway, REST', charge(count, prices.apiGatewayRequest)],
    ['DynamoDB, writes', count * writeUnitsEach * prices.writeUnit],
    ...(readUnitsEach > 0 ? ([['DynamoDB, reads', count * readUnitsEach * prices.readUnit]] as const) : []),
    ['WAF', count * prices.firewallRequest],
    [
      'CloudWatch Logs',
      charge(gigabytes(functionLogBytes), prices.lambdaLogGigabyte) +
        gigabytes(gatewayLogBytes) * prices.gatewayLogGigabyte,
    ],
    ['Lambda, requests', count * prices.lambdaRequest],
    ['Lambda, duration', count * (milliseconds / 1000) * prices.lambdaGigabyteSecond],
    ['data transfer out', charge(gigabytes(answerBytes), prices.transferGigabyte)],
  ]
}

export function billOfStorage(tableGigabytes: number, indexGigabytes: number): Bill {
  return [
    ['DynamoDB, storage', (tableGigabytes + indexGigabytes) * prices.tableGigabyteMonth],
    ['DynamoDB, recovery to a point in time', tableGigabytes * prices.recoveryGigabyteMonth],
  ]
}

/** The monthly cost of an unused stack. */
export function billOfStack(): Bill {
  return [
    ['WAF, web ACL', prices.webAcl + stackHas.webAclRules * prices.webAclRule],
    ['KMS', stackHas.encryptionKeys * prices.encryptionKey],
    ['Secrets Manager', stackHas.secrets * prices.secret],
    [
      'CloudWatch, dashboard, alarms and metrics',
      stackHas.dashboards * prices.dashboard +
        stackHas.alarmMetrics * prices.alarmMetric +
        stackHas.metrics * prices.metric,
    ],
  ]
}

export function totalOf(bill: Bill): number {
  return bill.reduce((sum, [, dollars]) => sum + dollars, 0)
}

function charge(amount: number, tiers: Tiers): number {
  let [dollars, below] = [0, 0]
  for (const [upTo, price] of tiers) {
    dollars += Math.max(0, Math.min(amount, upTo) - below) * price
    below = upTo
  }
  return dollars
}
