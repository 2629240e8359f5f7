/**
 * docs/audit.md against the code: the same events, fields, levels and metrics, and every event is written by somebody.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type LogEvent, logEvents } from '../shared/log-events.ts'
import { type Metric, metrics } from '../shared/metrics.ts'
import { expectMetrics, expectSchema, readLine } from './support/log-lines.ts'
import { modulesIn } from './support/modules.ts'

const page = readFileSync(new URL('../docs/audit.md', import.meta.url), 'utf8')
const entries = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((entry) => entry.split(/^## /m)[0] ?? '')
    .map((entry): [string, string] => [/^`([\w.]+)`\n/.exec(entry)?.[1] ?? entry, entry]),
)
const quoted = (text = '') => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

test('docs/audit.md has an entry for each log event and no other', () => {
  assert.deepEqual([...entries.keys()].sort(), Object.keys(logEvents).sort())
})

describe('docs/audit.md: the entry of', () => {
  for (const [name, event] of Object.entries(logEvents)) {
    test(`${name} lists its levels and fields, and its example is a valid log line`, () => {
      const { levels, always, sometimes }: LogEvent = event
      const entry = entries.get(name) ?? ''
      const listed = (what: string) => quoted(new RegExp(`^- ${what}: (.*)$`, 'm').exec(entry)?.[1])
      assert.deepEqual(listed('level'), levels)
      assert.deepEqual(listed('always'), always)
      assert.deepEqual(listed('sometimes'), sometimes)
      const [, example = ''] = /```json\n(.*)\n```/.exec(entry) ?? []
      assert.equal(expectSchema(readLine(example)).event, name)
    })
  }
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
  const literal = /'((?:family|credential|user_code|token|sessions?|provider|keyring)\.[a-z_]+)'/g
  const written = new Set([...code.matchAll(literal)].map(([, event = '']) => event))
  for (const event of ['fault', 'request']) if (code.includes(`event: '${event}'`)) written.add(event)
  assert.deepEqual([...written].sort(), Object.keys(logEvents).sort())
})
