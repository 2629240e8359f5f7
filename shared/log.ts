/**
 * The log: one line of JSON an event, of fields that are on a list.
 *
 * Owns the list. What is not on it cannot be logged, so a secret, a token, a header or a body never is. Must not be
 * handed whole events or messages of strange errors. Which events there are is log-events.ts's, and what they count as
 * metrics.ts's.
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
  /** The OAuth error answered. */
  readonly error?: string | undefined
  /** The refusal or reason behind it. */
  readonly reason?: string | undefined
  readonly ip?: string | undefined
  /** Who of ops did it, by AWS's word. */
  readonly actor?: string | undefined
  /** What they said about it. */
  readonly note?: string | undefined
  /** How many sessions it was. */
  readonly count?: number | undefined
  /** Of the oldest key that is in use. */
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
  'count',
  'age_days',
  'fault',
]

/** Values may come from a caller (a client_id, an address): long ones are cut, and JSON escapes the rest. */
const maxValueLength = 512

/**
 * Where the lines go; a laptop keeps them out of the way of what people read. In Lambda they go to stdout as they are:
 * console would put words of its own before them, and CloudWatch then sees neither JSON nor metrics.
 *
 * `memory`: the latest lines, where somebody keeps them to be read back; no Lambda does.
 * `metricsNamespace`: where CloudWatch puts the metrics. Without one, as on a laptop, the lines carry none.
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
 * What may be told of a fault: names, codes and places, causes included, and the words of an error that has some for the
 * operator. No message: it may quote what it choked on.
 */
export function describeFault(error: unknown): string {
  const told: string[] = []
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code, operatorMessage } = at as { code?: unknown; operatorMessage?: unknown }
    const parts = [
      at.name,
      typeof code === 'string' ? code : '',
      typeof operatorMessage === 'string' ? `(${operatorMessage})` : '',
    ]
    told.push([...parts, frameOf(at)].filter(Boolean).join(' '))
  }
  return told.length > 0 ? told.join(' < ') : typeof error
}

/** The first line of the stack after the message, which stands in it and may look like anything. */
function frameOf({ stack = '', message }: Error): string {
  const trace = stack.slice(stack.indexOf(message) + message.length)
  const frame = trace.split('\n').find((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line))
  return frame?.trim() ?? ''
}
