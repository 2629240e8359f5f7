/**
 * The log: one line of JSON per event, with fields from an allow-list. A secret, token, header or body has no field, so it cannot
 * be logged. Never pass a whole event or the message of a foreign error.
 */

import type { LogEventName } from './log-events.ts'
import { embeddedMetrics } from './metrics.ts'

export type LogFields = {
  readonly level: 'info' | 'warn' | 'error'
  /** What happened, dotted: `session.rotated`, `request`. */
  readonly event: LogEventName
  readonly request_id?: string | undefined
  readonly route?: string | undefined
  readonly method?: string | undefined
  readonly status?: number | undefined
  readonly duration_ms?: number | undefined
  readonly application?: string | undefined
  readonly client_id?: string | undefined
  readonly sid?: string | undefined
  readonly sub?: string | undefined
  readonly flow?: string | undefined
  readonly generation?: number | undefined
  /** The OAuth error of the response. */
  readonly error?: string | undefined
  /** The refusal or cause behind it. */
  readonly reason?: string | undefined
  readonly ip?: string | undefined
  /** The operator's ARN. */
  readonly actor?: string | undefined
  /** The operator's note. */
  readonly note?: string | undefined
  /** What a deployment changes of a registration. No secret is in it (registry-difference.ts). */
  readonly change?: string | undefined
  /** The number of sessions, or of changes. */
  readonly count?: number | undefined
  /** The age of the oldest key in use. */
  readonly age_days?: number | undefined
  readonly fault?: string | undefined
}

const loggedFields: readonly (keyof LogFields)[] = [
  'level',
  'event',
  'request_id',
  'route',
  'method',
  'status',
  'duration_ms',
  'application',
  'client_id',
  'sid',
  'sub',
  'flow',
  'generation',
  'error',
  'reason',
  'ip',
  'actor',
  'note',
  'change',
  'count',
  'age_days',
  'fault',
]

/** Values may come from a caller (a client_id, an address): long ones are truncated, and JSON escapes them. */
const maxValueLength = 512

/**
 * The destination of the lines. In Lambda it is stdout: `console` would put a prefix before each line, and CloudWatch would then
 * find neither JSON nor metrics.
 *
 * @property memory the latest lines, for a laptop's history; undefined in Lambda
 * @property metricsNamespace CloudWatch's namespace; undefined: the lines carry no metrics
 */
export const sink: { write(line: string): void; memory: string[] | undefined; metricsNamespace: string | undefined } = {
  write: (line) => void process.stdout.write(`${line}\n`),
  memory: undefined,
  metricsNamespace: process.env.METRICS_NAMESPACE,
}

export function log(fields: LogFields, now: number): void {
  const line: Record<string, unknown> = { time: new Date(now).toISOString() }
  for (const name of loggedFields) {
    const value = fields[name]
    if (value === undefined) continue
    line[name] = typeof value === 'string' ? value.slice(0, maxValueLength) : value
  }
  if (sink.metricsNamespace) Object.assign(line, embeddedMetrics(fields, sink.metricsNamespace, now))
  const text = JSON.stringify(line)
  remember(text)
  sink.write(text)
}

const maxRemembered = 10_000

function remember(text: string): void {
  if (sink.memory === undefined) return
  sink.memory.push(text)
  if (sink.memory.length > maxRemembered) sink.memory.shift()
}

/**
 * Describes an error and its causes by name, code, place and `operatorMessage`. It leaves out `message`, which may quote a secret.
 */
export function describeFault(error: unknown): string {
  const described: string[] = []
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code, operatorMessage } = at as { code?: unknown; operatorMessage?: unknown }
    const parts = [
      at.name,
      typeof code === 'string' ? code : '',
      typeof operatorMessage === 'string' ? `(${operatorMessage})` : '',
    ]
    described.push([...parts, frameOf(at)].filter(Boolean).join(' '))
  }
  return described.length > 0 ? described.join(' < ') : typeof error
}

/** The first frame of the stack. The stack begins with the message, which may look like a frame and is skipped. */
function frameOf({ stack = '', message }: Error): string {
  const trace = stack.slice(stack.indexOf(message) + message.length)
  const frame = trace.split('\n').find((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line))
  return frame?.trim() ?? ''
}
