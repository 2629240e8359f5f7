/** `token-broker sessions show`. Members that it does not know are shown as they are. */

import type { Command } from 'commander'
import { callForSession, opsBroker } from '../broker.ts'
import { programName } from '../program-name.ts'
import { relative } from '../relative-time.ts'
import { stateOf } from '../sessions.ts'
import { type JsonFlag, type OpsSettings, withOps } from '../settings.ts'
import { dim, paint, plain, print, printJson, printMembers } from '../terminal.ts'

/** Members in this order, all others after them. */
const order = [
  ...['sid', 'state', 'sub', 'name', 'email', 'client_id', 'application', 'flow', 'scopes', 'audiences'],
  ...['started_from', 'created_at', 'refreshes', 'last_refreshed_at', 'expires_at', 'absolute_expires_at'],
  ...['revoked_at', 'revoked_reason', 'revoked_by', 'revoked_note'],
]

export function define(command: Command): void {
  withOps(command.argument('<sid>')).action(show)
}

async function show(sid: string, settings: OpsSettings & JsonFlag): Promise<void> {
  const answer = await callForSession(opsBroker(settings), 'GET', sid)
  if (settings.json) return printJson(answer)
  printMembers(answer.session as Record<string, unknown>, order, shown)
  const { log_groups: groups, query, from } = (answer.audit_query ?? {}) as Partial<Record<string, unknown>>
  if (typeof query !== 'string') return
  const { application } = settings
  const history = `${programName} sessions history ${sid}${application ? ` --application ${application}` : ''}`
  print(`\n${dim('Its history:')}\n  ${paint('cyan', plain(history))}`)
  print(`\n${dim(`The same in CloudWatch Logs Insights${typeof from === 'string' ? `, from ${from}` : ''}:`)}`)
  for (const group of Array.isArray(groups) ? groups : []) print(`  ${plain(String(group))}`)
  for (const line of query.split('\n')) print(`  ${paint('cyan', plain(line))}`)
}

function shown(name: string, value: unknown): string {
  if (Array.isArray(value)) return plain(value.join(' '))
  const text = plain(String(value))
  if (name === 'state') {
    const cell = stateOf(text)
    return typeof cell === 'string' ? cell : paint(cell.as, cell.text)
  }
  return name.endsWith('_at') ? `${text}  ${dim(relative(text, Date.now()))}` : text
}
