/**
 * `token-broker sessions history`: queries CloudWatch Logs Insights. A broker on this machine returns its latest log lines
 * instead of a query.
 */

import type { Command } from 'commander'
import { shortActor } from '../author.ts'
import { callForSession, opsBroker } from '../broker.ts'
import { type AuditQuery, insights, type LogLine } from '../insights.ts'
import { Problem } from '../problem.ts'
import { toTheSecond } from '../relative-time.ts'
import { type JsonFlag, type OpsSettings, withOps } from '../settings.ts'
import { type Column, printTable } from '../table.ts'
import { endSpinner, printJson, say, spin } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: 'WHEN (UTC)' },
  { title: 'EVENT' },
  { title: 'GEN', dropOrder: 3 },
  { title: 'CLIENT', minWidth: 8, dropOrder: 2 },
  { title: 'FROM', dropOrder: 1 },
  { title: 'WHY', minWidth: 12 },
]

export function define(command: Command): void {
  withOps(command.argument('<sid>'))
    .addHelpText(
      'after',
      `
Oldest first. In the cloud this needs the rights logs:StartQuery and logs:GetQueryResults on the log groups of the
functions. It goes back as far as the log is kept, and CloudWatch charges for what it reads.
A broker on this machine keeps its latest 10,000 lines.`,
    )
    .action(showHistory)
}

async function showHistory(sid: string, settings: OpsSettings & JsonFlag): Promise<void> {
  const { audit_query: query, audit_lines: kept } = await callForSession(opsBroker(settings), 'GET', sid)
  spin(() => 'Reading the log …')
  const lines = Array.isArray(kept) ? (kept as LogLine[]) : await insights(query as AuditQuery, settings.region)
  endSpinner()
  if (settings.json) return printJson({ history: lines })
  if (lines.length === 0) {
    const hint = 'New lines take a moment to appear. Old ones are deleted after the retention of the log.'
    throw new Problem('The log has no lines about this session.', undefined, hint)
  }
  printTable(columns, lines.map(rowOf))
  if (lines.some(({ event }) => event === 'session.reuse_detected')) {
    say(
      'A spent credential was presented again. Compare the addresses; "reuse-seen" in docs/operations.md says what to do.',
      'yellow',
    )
  }
}

function rowOf({ time = '', event = '', generation = '', client_id = '', ip = '', reason, actor, note }: LogLine) {
  const who = actor && shortActor(actor)
  return [toTheSecond(time), event, String(generation), client_id, ip, [reason, who, note].filter(Boolean).join(', ')]
}
