import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type LogFields, log, sink } from '../../shared/log.ts'
import { type MetricName, metrics, metricsOf } from '../../shared/metrics.ts'
import { expectMetrics, readLine } from '../support/log-lines.ts'

const before = { ...sink }
const lines: string[] = []
beforeEach(() => {
  lines.length = 0
  Object.assign(sink, { write: (line: string) => void lines.push(line), metricsNamespace: 'TokenBroker/test' })
})
afterEach(() => void Object.assign(sink, before))

const now = 1_800_000_000_007
const info = { level: 'info', application: 'demo', client_id: 'cli', sub: 'ada', ip: '192.0.2.7' } as const
const request = { ...info, event: 'request', route: '/{application}/oauth/token', status: 400, duration_ms: 3 } as const

const counted: readonly (readonly [fields: LogFields, metrics: readonly MetricName[]])[] = [
  [{ ...info, event: 'session.rotated' }, ['Refreshes']],
  [{ ...info, event: 'session.redeemed' }, ['Redemptions']],
  [{ ...info, event: 'session.grace_retry' }, ['GraceRetries']],
  [{ ...info, event: 'session.reuse_detected', level: 'warn', reason: 'revoked already' }, ['ReuseDetected']],
  [{ ...info, event: 'session.revoked', reason: 'client' }, ['Revocations']],
  [{ ...info, event: 'session.revoked', reason: 'ops' }, ['Revocations']],
  [{ ...info, event: 'sessions.revoked', reason: 'ops:client' }, ['Revocations']],
  [{ ...info, event: 'sessions.revoked', reason: 'ops:subject', count: 3 }, []],
  [{ ...info, event: 'provider.revocation_abandoned', level: 'warn' }, ['RevocationsAbandoned']],
  [{ ...info, event: 'provider.revocation_failed', level: 'warn' }, ['ProviderFailures']],
  [{ ...info, event: 'provider.unexpected', level: 'error' }, ['ProviderFailures']],
  [{ ...info, event: 'provider.unexpected', level: 'warn' }, []],
  [{ ...info, event: 'fault', level: 'warn', reason: 'provider' }, ['ProviderFailures']],
  [{ ...info, event: 'fault', level: 'warn', reason: 'store' }, ['StoreUnavailable']],
  [{ ...info, event: 'fault', level: 'warn', reason: 'secrets' }, ['SecretsUnavailable']],
  [{ ...info, event: 'fault', level: 'warn', reason: 'issuer' }, []],
  [{ ...info, event: 'fault', level: 'error' }, ['ServerErrors']],
  [{ level: 'info', event: 'keyring.checked', age_days: 41.5 }, ['age_days']],
  [{ ...info, event: 'session.opened' }, []],
  [{ ...request, status: 200 }, ['duration_ms']],
  [{ ...request, event: 'session.rotated', status: 200 }, ['Refreshes', 'duration_ms']],
  [{ ...request, status: 401, error: 'invalid_client' }, ['duration_ms', 'ClientAuthenticationFailures']],
  [{ ...request, error: 'slow_down' }, ['duration_ms', 'Throttled']],
  [{ ...request, status: 429, error: 'slow_down' }, ['duration_ms', 'Throttled']],
  [{ ...request, status: 429 }, ['duration_ms', 'Throttled']],
  [{ ...request, error: 'authorization_pending', reason: 'pending' }, ['duration_ms']],
  [{ ...request, error: 'invalid_grant', reason: 'unknown' }, ['duration_ms']],
  [{ ...request, error: 'invalid_grant', reason: 'foreign-client' }, ['duration_ms']],
  ...['expired', 'revoked', 'reuse', 'provider', 'no vault'].map((reason): (typeof counted)[number] => [
    { ...request, error: 'invalid_grant', reason },
    ['duration_ms', 'ReauthenticationsNeeded'],
  ]),
]

for (const [fields, expected] of counted) {
  const { event, level, reason = '', error = '', status = '' } = fields
  test(`${level} ${event} ${status} ${error} ${reason} counts as ${expected.join(' and ') || 'nothing'}`, () => {
    assert.deepEqual(metricsOf(fields), expected)
    log(fields, now)
    const line = readLine(lines[0] ?? '')
    if (expected.length === 0) assert.equal(line._aws, undefined)
    else {
      const read = expectMetrics(line)
      assert.deepEqual(
        read.map(({ name }) => name),
        expected,
      )
      for (const { name, value } of read) {
        const field = line[name]
        assert.equal(value, /^[A-Z]/.test(name) ? 1 : field)
      }
    }
  })
}

test('some log line counts as each metric', () => {
  const seen = new Set(counted.flatMap(([, names]) => names))
  assert.deepEqual([...seen].sort(), Object.keys(metrics).sort())
})

describe('dimensions', () => {
  const dimensionsOf = (fields: LogFields) => {
    log(fields, now)
    return expectMetrics(readLine(lines.at(-1) ?? '')).map(({ name, dimensions }) => [name, dimensions])
  }

  test("a metric's dimensions are the total, and the application if known", () => {
    const fault: LogFields = { level: 'warn', event: 'fault', reason: 'provider' }
    assert.deepEqual(dimensionsOf(fault), [['ProviderFailures', [[]]]])
    assert.deepEqual(dimensionsOf({ ...fault, application: 'demo' }), [['ProviderFailures', [[], ['application']]]])
  })

  test("a metric's dimensions never hold a value that a caller chooses", () => {
    const open = ['client_id', 'sub', 'sid', 'ip', 'actor', 'note', 'request_id', 'status', 'error']
    for (const [name, { dimensions }] of Object.entries(metrics)) {
      for (const dimension of dimensions.flat()) assert.ok(!open.includes(dimension), `${name} by ${dimension}`)
    }
  })

  test('only Revocations has the dimension reason', () => {
    const byReason = Object.entries(metrics).filter(([, { dimensions }]) => dimensions.flat().join().includes('reason'))
    assert.deepEqual(
      byReason.map(([name]) => name),
      ['Revocations'],
    )
  })
})

test('without a namespace a log line holds no metrics', () => {
  sink.metricsNamespace = undefined
  log({ ...info, event: 'session.rotated' }, now)
  const { time: _, ...line } = readLine(lines[0] ?? '')
  assert.deepEqual(line, { ...info, event: 'session.rotated' })
})
