/**
 * What a line of the log counts as, in CloudWatch's Embedded Metric Format: the line that is written anyway says so
 * itself, in a member `_aws`, and CloudWatch makes metrics of it. Nothing is sent, and no second line is written.
 *
 * Owns the metrics, their dimensions, and which event is which. Each combination of values of a dimension is a metric
 * that AWS charges for (docs/decisions/0030-metrics.md), so nothing that callers choose is ever one.
 */

import type { LogFields } from './log.ts'

type Dimension = 'application' | 'reason' | 'route'
export type Metric = {
  readonly unit: 'Count' | 'Milliseconds' | 'None'
  /** A metric for each set; the empty one is over everything. */
  readonly dimensions: readonly (readonly Dimension[])[]
}

const total = [[]] as const
const totalAndApplication = [[], ['application']] as const

/** Those in capitals count events; the others are fields of their lines. */
export const metrics = {
  Refreshes: { unit: 'Count', dimensions: totalAndApplication },
  Redemptions: { unit: 'Count', dimensions: totalAndApplication },
  GraceRetries: { unit: 'Count', dimensions: total },
  ReuseDetected: { unit: 'Count', dimensions: totalAndApplication },
  /** By `reason`, of which there are five. Reuse is counted by itself. */
  Revocations: { unit: 'Count', dimensions: [[], ['reason']] },
  RevocationsAbandoned: { unit: 'Count', dimensions: total },
  /** Answers `invalid_grant` to what was good once: its holder gets nothing more until a person signs in. */
  ReauthenticationsNeeded: { unit: 'Count', dimensions: totalAndApplication },
  ClientAuthenticationFailures: { unit: 'Count', dimensions: totalAndApplication },
  /** Polls that came too early, and guesses at user codes beyond what is allowed. */
  Throttled: { unit: 'Count', dimensions: total },
  ProviderFailures: { unit: 'Count', dimensions: totalAndApplication },
  StoreUnavailable: { unit: 'Count', dimensions: total },
  SecretsUnavailable: { unit: 'Count', dimensions: total },
  /** Mistakes of ours, each a 500. */
  ServerErrors: { unit: 'Count', dimensions: total },
  duration_ms: { unit: 'Milliseconds', dimensions: [['route']] },
  age_days: { unit: 'None', dimensions: total },
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof metrics

/** Refusals of a credential that was good once. An unknown one is forged, or nobody's. */
const reauthenticationReasons: readonly (string | undefined)[] = [
  'expired',
  'revoked',
  'reuse',
  'provider',
  'other provider',
  'no vault',
]

const unavailable: Readonly<Record<string, MetricName>> = {
  store: 'StoreUnavailable',
  secrets: 'SecretsUnavailable',
  provider: 'ProviderFailures',
}

export function metricsOf(line: LogFields): readonly MetricName[] {
  // Whatever event the line of a request tells.
  return line.duration_ms === undefined ? eventMetrics(line) : [...eventMetrics(line), ...requestMetrics(line)]
}

function eventMetrics(line: LogFields): readonly MetricName[] {
  switch (line.event) {
    case 'session.rotated':
      return ['Refreshes']
    case 'session.redeemed':
      return ['Redemptions']
    case 'session.grace_retry':
      return ['GraceRetries']
    case 'session.reuse_detected':
      return ['ReuseDetected']
    case 'session.revoked':
      return ['Revocations']
    case 'sessions.revoked':
      // Those of a person have had a line each.
      return line.reason === 'ops:subject' ? [] : ['Revocations']
    case 'provider.revocation_abandoned':
      return ['RevocationsAbandoned']
    case 'provider.revocation_failed':
      return ['ProviderFailures']
    case 'provider.unexpected':
      // As a warning it comes before a fault, which is counted.
      return line.level === 'error' ? ['ProviderFailures'] : []
    case 'fault':
      return [unavailable[line.reason ?? ''] ?? 'ServerErrors']
    case 'keyring.checked':
      return ['age_days']
    default:
      return []
  }
}

function requestMetrics({ error, reason, status }: LogFields): readonly MetricName[] {
  if (error === undefined && status !== 429) return ['duration_ms']
  if (error === 'invalid_client') return ['duration_ms', 'ClientAuthenticationFailures']
  // An application of the profile auth0 answers slow_down with 429, others with 400.
  if (error === 'slow_down' || status === 429) return ['duration_ms', 'Throttled']
  const isLost = error === 'invalid_grant' && reauthenticationReasons.includes(reason)
  return isLost ? ['duration_ms', 'ReauthenticationsNeeded'] : ['duration_ms']
}

/**
 * What a line has to hold beside its fields for CloudWatch to make metrics of it (Embedded Metric Format specification).
 *
 * @param namespace of the metrics
 */
export function embeddedMetrics(line: LogFields, namespace: string, nowMs: number): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  const directives: object[] = []
  for (const name of metricsOf(line)) {
    const { unit, dimensions }: Metric = metrics[name]
    if (unit === 'Count') members[name] = 1
    directives.push({
      Namespace: namespace,
      // A dimension has to be a member of the line, and a fault may come before the application is known.
      Dimensions: dimensions.filter((set) => set.every((dimension) => line[dimension] !== undefined)),
      Metrics: [{ Name: name, Unit: unit }],
    })
  }
  if (directives.length > 0) members._aws = { Timestamp: nowMs, CloudWatchMetrics: directives }
  return members
}
