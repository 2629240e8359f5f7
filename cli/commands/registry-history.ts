/**
 * `token-broker registry history`: who changed applications and clients, when and what.
 */

import { type HistoryEntry, readHistory } from '../../shared/store/registry-history.ts'
import { shortActor } from '../author.ts'
import type { Command } from '../command.ts'
import { withTable } from '../registry.ts'
import { toTheSecond } from '../relative-time.ts'
import { tableOptions } from '../settings.ts'
import { type Column, createTable } from '../table.ts'
import { print, printJson, say, terminalWidth } from '../terminal.ts'

const defaultLimit = 50

const columns: readonly Column[] = [
  { title: 'WHEN (UTC)' },
  { title: 'WHO', least: 14 },
  { title: 'COMMAND', dispensable: 1 },
  { title: 'WHAT', least: 24 },
]

export const command: Command = {
  says: 'Who changed applications and clients, when and what; newest first.',
  options: {
    ...tableOptions,
    application: { takes: 'NAME', says: 'of this application alone' },
    limit: { takes: 'N', says: `at most this many commands, 1 to 1000; ${defaultLimit} unless told` },
  },
  notes: ['It names the members that changed, and never their values. An entry is kept for 400 days.'],
  run: async (input) => {
    const limit = input.number('limit', 1, 1_000) ?? defaultLimit
    const application = input.text('application')
    await withTable(input, async (table) => {
      const entries = (await readHistory(table, limit)).map((entry) => ({
        ...entry,
        changes: entry.changes.filter((change) => application === undefined || change.application === application),
      }))
      const found = entries.filter(({ changes }) => changes.length > 0)
      if (input.flag('json')) return printJson({ history: found.map(told) })
      if (found.length === 0) return say('Nothing was changed by a command, as far as is known.', 'dim')
      print(createTable(columns, terminalWidth())(found.flatMap(rowsOf)).join('\n'))
    })
  },
}

function rowsOf({ at, actor, command, changes }: HistoryEntry) {
  return changes.map(({ kind, application, clientId, members }) => [
    toTheSecond(new Date(at).toISOString()),
    shortActor(actor),
    command,
    `${kind} ${clientId === undefined ? `application ${application}` : `client ${clientId} of ${application}`}${members.length > 0 ? `: ${members.join(', ')}` : ''}`,
  ])
}

function told({ at, actor, command, changes }: HistoryEntry): object {
  return {
    at: new Date(at).toISOString(),
    actor,
    command,
    changes: changes.map(({ clientId, ...change }) => ({
      ...change,
      ...(clientId !== undefined && { client_id: clientId }),
    })),
  }
}
