/**
 * What every line of the log has to be like: its event's fields (shared/log-events.ts), and metrics that CloudWatch takes.
 *
 * Owns the Embedded Metric Format as its specification has it, other than by the code that writes it. Must not know any
 * flow.
 */

import assert from 'node:assert/strict'
import { type LogEvent, logEvents } from '../../shared/log-events.ts'

export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string }

/** A line that ends with a newline of its own would be two. */
export function readLine(text: string): LogLine {
  assert.doesNotMatch(text, /[\n\r]/)
  return JSON.parse(text) as LogLine
}

/** @returns the line's fields, without its metrics */
export function expectSchema(line: LogLine): Readonly<Record<string, unknown>> {
  assert.ok(line.event in logEvents, `${line.event} is not in shared/log-events.ts`)
  const { levels, always, sometimes }: LogEvent = logEvents[line.event as keyof typeof logEvents]
  const { metrics, fields } = split(line)
  const { time, level, event: _, ...said } = fields
  const told = JSON.stringify(line)
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, told)
  assert.ok((levels as readonly unknown[]).includes(level), `level of ${told}`)
  const allowed: readonly string[] = [...always, ...sometimes]
  assert.deepEqual(
    Object.keys(said).filter((name) => !allowed.includes(name)),
    [],
    `fields of ${told} that docs/audit.md does not know`,
  )
  const missing = always.filter((name) => said[name] === undefined || said[name] === '')
  assert.deepEqual(missing, [], `fields that ${told} lacks`)
  for (const name of metrics) assert.equal(line[name], 1)
  return fields
}

type Directive = Readonly<Record<string, unknown>> & {
  readonly Dimensions: readonly (readonly string[])[]
  readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[]
}

/** Counters are members that are there for CloudWatch alone. */
function split({ _aws, ...members }: LogLine) {
  const metrics = directivesOf(_aws).flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name))
  const counters = metrics.filter((name) => /^[A-Z]/.test(name))
  const fields = Object.fromEntries(Object.entries(members).filter(([name]) => !counters.includes(name)))
  return { metrics: counters, fields }
}

function directivesOf(metadata: unknown): readonly Directive[] {
  return (metadata as { CloudWatchMetrics: readonly Directive[] } | undefined)?.CloudWatchMetrics ?? []
}

/** The units that CloudWatch has (API Reference, MetricDatum), as far as they are anybody's here. */
const units = ['Count', 'Milliseconds', 'Seconds', 'None']

/**
 * The specification's MUSTs, for a line that has `_aws`.
 *
 * @returns each metric with its value and its dimension sets, as CloudWatch reads them
 */
export function expectMetrics(line: LogLine) {
  const { Timestamp, CloudWatchMetrics, ...more } = line._aws as Record<string, unknown>
  assert.deepEqual(Object.keys(more), [])
  assert.ok(Number.isSafeInteger(Timestamp) && Number(Timestamp) > 1e12, 'ms since the epoch')
  assert.ok(Array.isArray(CloudWatchMetrics) && CloudWatchMetrics.length > 0)
  return directivesOf(line._aws).flatMap((directive) => {
    assert.deepEqual(Object.keys(directive).sort(), ['Dimensions', 'Metrics', 'Namespace'])
    assert.match(String(directive.Namespace), /^[\w.\-/#:]{1,255}$/)
    assert.ok(directive.Dimensions.length > 0, 'a set of dimensions, be it empty')
    for (const name of directive.Dimensions.flat()) {
      const value = line[name]
      assert.ok(typeof value === 'string' && value.length > 0 && value.length <= 1024, `dimension ${name}: ${value}`)
    }
    for (const set of directive.Dimensions) assert.ok(set.length <= 30)
    assert.ok(directive.Metrics.length > 0 && directive.Metrics.length <= 100)
    return directive.Metrics.map(({ Name, Unit, ...rest }) => {
      assert.deepEqual(Object.keys(rest), [])
      assert.ok(units.includes(Unit), Unit)
      assert.equal(typeof line[Name], 'number', `the value of ${Name}`)
      return { name: Name, value: Number(line[Name]), dimensions: directive.Dimensions }
    })
  })
}
