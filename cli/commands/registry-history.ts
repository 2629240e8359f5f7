/** `token-broker registry history` */

import type { Command } from 'commander'
import { type HistoryEntry, readHistory } from '../../shared/store/registry-history.ts'
import { shortActor } from '../author.ts'
import { useTable } from '../registry.ts'
import { toTheSecond } from '../relative-time.ts'
import { integer, type JsonFlag, type TableSettings, withTable } from '../settings.ts'
import { type Column, printTable } from '../table.ts'
import { printJson, say } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: 'WHEN (UTC)' },
  { title: 'WHO', minWidth: 14 },
  { title: 'COMMAND', dropOrder: 1 },
  { title: 'WHAT', minWidth: 24 },
]

type Settings = TableSettings & JsonFlag & { readonly application?: string; readonly limit: number }

export function define(command: Command): void {
  withTable(command)
    .option('--application <name>', 'only changes of this application')
    .addOption(integer('--limit <n>', 'number of commands, 1 to 1000', 1, 1_000).default(50))
    .addHelpText(
      'after',
      '\nNewest first. Shows the members that changed, never their values. Entries are kept for 400 days.',
    )
    .action(showHistory)
}

async function showHistory({ application, limit, ...settings }: Settings): Promise<void> {
  await useTable(settings, async (table) => {
    const found = await readHistory(table, application, limit)
    if (settings.json) return printJson({ history: found.map(inJson) })
    if (found.length === 0) return say('There are no recorded changes.', 'dim')
    printTable(columns, found.flatMap(rowsOf))
  })
}

function rowsOf({ at, actor, command, changes }: HistoryEntry) {
  return changes.map(({ kind, application, clientId, members }) => [
    toTheSecond(new Date(at).toISOString()),
    shortActor(actor),
    command,
    `${kind} ${clientId === undefined ? `application ${application}` : `client ${clientId} of ${application}`}${members.length > 0 ? `: ${members.join(', ')}` : ''}`,
  ])
}

function inJson({ at, actor, command, changes }: HistoryEntry): object {
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
