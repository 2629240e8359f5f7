/**
 * CloudWatch metrics in the Embedded Metric Format: a log line carries its metrics in `_aws`, so nothing else is sent or written.
 *
 * AWS charges for each combination of dimension values (docs/decisions/0030-metrics.md), so no value that callers choose is a
 * dimension.
 */

import type { LogFields } from './log.ts'

type Dimension = 'application' | 'reason' | 'route'
export type Metric = {
  readonly unit: 'Count' | 'Milliseconds' | 'None'
  /** One metric per set of dimensions; the empty set is the total. */
  readonly dimensions: readonly (readonly Dimension[])[]
}

const total = [[]] as const
const totalAndApplication = [[], ['application']] as const

/** Capitalised names count events; the others are fields of the line. */
export const metrics = {
  Refreshes: { unit: 'Count', dimensions: totalAndApplication },
  Redemptions: { unit: 'Count', dimensions: totalAndApplication },
  GraceRetries: { unit: 'Count', dimensions: total },
  ReuseDetected: { unit: 'Count', dimensions: totalAndApplication },
  /** `reason` has five values. Reuse is counted apart. */
  Revocations: { unit: 'Count', dimensions: [[], ['reason']] },
  RevocationsAbandoned: { unit: 'Count', dimensions: total },
  /** `invalid_grant` for a credential that was valid once: the person must sign in again. */
  ReauthenticationsNeeded: { unit: 'Count', dimensions: totalAndApplication },
  ClientAuthenticationFailures: { unit: 'Count', dimensions: totalAndApplication },
  /** Polls that came too early, and guesses at user codes beyond the limit. */
  Throttled: { unit: 'Count', dimensions: total },
  ProviderFailures: { unit: 'Count', dimensions: totalAndApplication },
  StoreUnavailable: { unit: 'Count', dimensions: total },
  SecretsUnavailable: { unit: 'Count', dimensions: total },
  /** Faults of the broker itself. */
  ServerErrors: { unit: 'Count', dimensions: total },
  duration_ms: { unit: 'Milliseconds', dimensions: [['route']] },
  age_days: { unit: 'None', dimensions: total },
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof metrics

/** Refusals of a credential that was valid once. */
const reauthenticationReasons: readonly (string | undefined)[] = [
  'expired',
  'revoked',
  'reuse',
  'provider',
  'other provider',
  'no vault',
]

/** The issuer of a workload identity belongs to one client's platform, so its outage is only logged. */
const unavailable: Readonly<Record<string, MetricName>> = {
  store: 'StoreUnavailable',
  secrets: 'SecretsUnavailable',
  provider: 'ProviderFailures',
}

function metricsOfPart(part = ''): readonly MetricName[] {
  const name = unavailable[part]
  return name === undefined ? [] : [name]
}

export function metricsOf(line: LogFields): readonly MetricName[] {
  // The line that ends a request has a duration, whatever its event.
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
      // The revocation of a person's sessions has also logged each session.
      return line.reason === 'ops:subject' ? [] : ['Revocations']
    case 'provider.revocation_abandoned':
      return ['RevocationsAbandoned']
    case 'provider.revocation_failed':
      return ['ProviderFailures']
    case 'provider.unexpected':
      // A warning is followed by a fault, which is counted.
      return line.level === 'error' ? ['ProviderFailures'] : []
    case 'fault':
      return line.level === 'error' ? ['ServerErrors'] : metricsOfPart(line.reason)
    case 'keyring.checked':
      return ['age_days']
    default:
      return []
  }
}

function requestMetrics({ error, reason, status }: LogFields): readonly MetricName[] {
  if (error === undefined && status !== 429) return ['duration_ms']
  if (error === 'invalid_client') return ['duration_ms', 'ClientAuthenticationFailures']
  // The error profile auth0 answers slow_down with 429, the profile rfc with 400.
  if (error === 'slow_down' || status === 429) return ['duration_ms', 'Throttled']
  const needsSignIn = error === 'invalid_grant' && reauthenticationReasons.includes(reason)
  return needsSignIn ? ['duration_ms', 'ReauthenticationsNeeded'] : ['duration_ms']
}

/**
 * The members that make CloudWatch extract metrics from a line (Embedded Metric Format specification).
 */
export function embeddedMetrics(line: LogFields, namespace: string, nowMs: number): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  const directives: object[] = []
  for (const name of metricsOf(line)) {
    const { unit, dimensions }: Metric = metrics[name]
    if (unit === 'Count') members[name] = 1
    directives.push({
      Namespace: namespace,
      // A dimension must be a member of the line, but a fault may come before the application is known.
      Dimensions: dimensions.filter((set) => set.every((dimension) => line[dimension] !== undefined)),
      Metrics: [{ Name: name, Unit: unit }],
    })
  }
  if (directives.length > 0) members._aws = { Timestamp: nowMs, CloudWatchMetrics: directives }
  return members
}
