/**
 * `token-broker sessions history <sid>`: all that ever happened to a session, as the log tells it.
 *
 * In the cloud it runs the session's query in CloudWatch Logs Insights; a broker on this machine keeps its latest lines
 * itself. Owns the table.
 */

import { shortActor } from '../author.ts'
import { callForSession, opsBroker } from '../broker.ts'
import type { Command } from '../command.ts'
import { type AuditQuery, insights, type LogLine } from '../insights.ts'
import { Problem } from '../problem.ts'
import { toTheSecond } from '../relative-time.ts'
import { opsOptions } from '../settings.ts'
import { type Column, createTable } from '../table.ts'
import { endSpinner, print, printJson, say, spin, terminalWidth } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: 'WHEN (UTC)' },
  { title: 'EVENT' },
  { title: 'GEN', dispensable: 3 },
  { title: 'CLIENT', least: 8, dispensable: 2 },
  { title: 'FROM', dispensable: 1 },
  { title: 'WHY', least: 12 },
]

export const command: Command = {
  says: 'Shows what happened to a session, oldest first.',
  words: ['<sid>'],
  options: opsOptions,
  notes: [
    'In the cloud it takes logs:StartQuery and logs:GetQueryResults on the log groups of the functions, and CloudWatch charges for what it reads. It goes back as far as the log is kept.',
    'A broker on this machine remembers its latest 10,000 lines.',
  ],
  run: async (input) => {
    const broker = await opsBroker(input)
    const { audit_query: query, audit_lines: kept } = await callForSession(broker, 'GET', input.words[0]!)
    spin(() => 'Reading the log …')
    const lines = Array.isArray(kept) ? (kept as LogLine[]) : await insights(query as AuditQuery, input.text('region'))
    endSpinner()
    if (input.flag('json')) return printJson({ history: lines })
    if (lines.length === 0) throw new Problem('The log has nothing of this session any more.')
    print(createTable(columns, terminalWidth())(lines.map(rowOf)).join('\n'))
    if (lines.some(({ event }) => event === 'session.reuse_detected')) {
      say(
        'A spent credential was presented again: compare the addresses. docs/operations.md, reuse-seen, says what to do.',
        'yellow',
      )
    }
  },
}

function rowOf({ time = '', event = '', generation = '', client_id = '', ip = '', reason, actor, note }: LogLine) {
  const who = actor && shortActor(actor)
  return [toTheSecond(time), event, String(generation), client_id, ip, [reason, who, note].filter(Boolean).join(', ')]
}
