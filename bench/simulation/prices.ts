/**
 * AWS list prices in US dollars, us-east-1, on demand, without free tiers. docs/scale.md says when they were looked up.
 */

export const prices = {
  apiGatewayRequest: 3.5e-6,
  firewallRequest: 0.6e-6,
  lambdaRequest: 0.2e-6,
  /** arm64 */
  lambdaGigabyteSecond: 0.0000133334,
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  tableGigabyteMonth: 0.25,
  /** Of the table's size, its indexes left out. */
  recoveryGigabyteMonth: 0.2,
  logGigabyte: 0.5,
  transferGigabyte: 0.09,
} as const

/** What one refresh uses beside its write units. */
export const refreshUses = {
  /** Billed of a function of 1 GB, nearly all of it waiting for DynamoDB. */
  milliseconds: 10,
  /** Ours: the line of a refresh with its metrics, for names of the usual length. Measured by test/bench/log-bytes.test.ts. */
  functionLogBytes: 665,
  /** The gateway's line, measured by test/infra/edge.test.ts. Lambda writes none of its own for a run that succeeds. */
  gatewayLogBytes: 152,
  answerBytes: 1_400,
} as const

export type Bill = readonly (readonly [what: string, dollars: number])[]

export function billOfRefreshes(count: number, writeUnitsEach: number, readUnitsEach: number): Bill {
  const gigabytes = (bytes: number) => (count * bytes) / 1e9
  return [
    ['API Gateway, REST', count * prices.apiGatewayRequest],
    ['DynamoDB, writes', count * writeUnitsEach * prices.writeUnit],
    ...(readUnitsEach > 0 ? ([['DynamoDB, reads', count * readUnitsEach * prices.readUnit]] as const) : []),
    ['CloudWatch Logs', gigabytes(refreshUses.functionLogBytes + refreshUses.gatewayLogBytes) * prices.logGigabyte],
    ['WAF', count * prices.firewallRequest],
    ['Lambda, requests', count * prices.lambdaRequest],
    ['Lambda, duration', count * (refreshUses.milliseconds / 1000) * prices.lambdaGigabyteSecond],
    ['data transfer out', gigabytes(refreshUses.answerBytes) * prices.transferGigabyte],
  ]
}

export function billOfStorage(tableGigabytes: number, indexGigabytes: number): Bill {
  return [
    ['DynamoDB, storage', (tableGigabytes + indexGigabytes) * prices.tableGigabyteMonth],
    ['DynamoDB, recovery to a point in time', tableGigabytes * prices.recoveryGigabyteMonth],
  ]
}

export function totalOf(bill: Bill): number {
  return bill.reduce((sum, [, dollars]) => sum + dollars, 0)
}
