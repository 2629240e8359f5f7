/**
 * docs/audit.md against the code: the same events, fields, levels and metrics, and every event is written by somebody.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type LogEvent, logEvents } from '../../shared/log-events.ts'
import { type Metric, metrics } from '../../shared/metrics.ts'
import { expectMetrics, expectSchema, readLine } from '../support/log-lines.ts'
import { modulesIn } from '../support/modules.ts'

const page = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8')
/** The page's short names for fields that stand together. */
const groups = new Map(
  [...page.matchAll(/\*(\w+)\*(?: stands)? for ((?:`\w+`,?\s*)+)/g)].map(([, group = '', names]) => [
    group,
    quoted(names),
  ]),
)
const entries = new Map(
  [...page.matchAll(/^\| (`\w+\.?\w+`(?:, `[\w.]+`)*) \| ([a-z, ]+) \| ([^|]*)\|/gm)].flatMap(
    ([, names, levels = '', fields = '']) => {
      const [always, sometimes] = fields.split('; perhaps ').map(fieldsIn)
      return quoted(names).map((name): [string, object] => [
        name,
        { levels: levels.split(', '), always: always ?? [], sometimes: sometimes ?? [] },
      ])
    },
  ),
)

function fieldsIn(text: string): string[] {
  const words = [...text.matchAll(/\*(\w+)\*|`(\w+)`/g)]
  return [
    ...new Set(words.flatMap(([, group, field]) => (group ? (groups.get(group) ?? group) : (field ?? [])))),
  ].sort()
}

function quoted(text = ''): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

test('docs/audit.md has an entry for each log event and no other', () => {
  assert.deepEqual([...entries.keys()].sort(), Object.keys(logEvents).sort())
})

for (const [name, event] of Object.entries(logEvents)) {
  test(`docs/audit.md: the entry of ${name} lists its levels and fields`, () => {
    const { levels, always, sometimes }: LogEvent = event
    const expected = { levels, always: [...always].sort(), sometimes: [...sometimes].sort() }
    assert.deepEqual(entries.get(name), expected)
    assert.equal(new Set(always).size, always.length, 'a field is listed once')
  })
}

test('docs/audit.md: the example lines are valid log lines', () => {
  const [, section = ''] = /\n## Events\n([\s\S]*?)\n## /.exec(page) ?? []
  const [, examples = ''] = /```json\n([\s\S]*?)\n```/.exec(section) ?? []
  const events = examples.split('\n').map((line) => expectSchema(readLine(line)).event)
  assert.ok(events.length > 4)
})

test('docs/audit.md explains every log field', () => {
  const [, table = ''] = /\n## Fields\n([\s\S]*?)\n## /.exec(page) ?? []
  const explained = table.split('\n').flatMap((row) => quoted(row.split('|')[1]))
  const all: readonly LogEvent[] = Object.values(logEvents)
  const used = new Set(all.flatMap(({ always, sometimes }) => [...always, ...sometimes]))
  assert.deepEqual(explained.sort(), ['time', 'level', 'event', ...used].sort())
})

test('docs/audit.md lists every metric with unit and dimensions, and its example lines are valid', () => {
  const [, section = ''] = /\n## Metrics\n([\s\S]*)$/.exec(page) ?? []
  const rows = [...section.matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]+) \|/gm)].map(([, name, unit, by]) => [
    name,
    unit,
    by,
  ])
  const told = Object.entries(metrics).map(([name, { unit, dimensions }]: [string, Metric]) => [
    name,
    unit,
    dimensions.map(([dimension]) => (dimension === undefined ? 'all' : `\`${dimension}\``)).join(', '),
  ])
  assert.deepEqual(rows, told)
  const [, example = ''] = /```json\n([\s\S]*?)\n```/.exec(section) ?? []
  const lines = example.split('\n').map(readLine)
  for (const line of lines) expectSchema(line)
  assert.deepEqual(
    lines.flatMap(expectMetrics).map(({ name }) => name),
    ['Refreshes', 'duration_ms'],
  )
})

test('every log event is written somewhere in functions/ or shared/, and no undeclared one is', () => {
  const writers = modulesIn('functions', 'shared').filter(
    ({ path }) => !['shared/log-events.ts', 'shared/metrics.ts'].includes(path),
  )
  const code = writers.map(({ text }) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')).join('\n')
  const literal = /'((?:family|credential|user_code|token|sessions?|provider|keyring|registry)\.[a-z_]+)'/g
  const written = new Set([...code.matchAll(literal)].map(([, event = '']) => event))
  for (const event of ['fault', 'request']) if (code.includes(`event: '${event}'`)) written.add(event)
  assert.deepEqual([...written].sort(), Object.keys(logEvents).sort())
})
