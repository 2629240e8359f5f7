/** `token-broker applications list` */

import type { Command } from 'commander'
import { inLanguage } from '../../shared/domain/local-text.ts'
import { identityOf } from '../../shared/domain/provider-identity.ts'
import type { Application } from '../../shared/domain/registration.ts'
import { readRegistry } from '../../shared/store/registry.ts'
import { endedAt } from '../one-client.ts'
import { useTable } from '../registry.ts'
import { relative } from '../relative-time.ts'
import { type JsonFlag, type TableSettings, withTable } from '../settings.ts'
import { type Column, printTable } from '../table.ts'
import { printJson, say } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: 'APPLICATION' },
  { title: 'NAME', minWidth: 10, dropOrder: 3 },
  { title: 'CLIENTS' },
  { title: 'KIND', dropOrder: 2 },
  { title: 'PROVIDER', minWidth: 16 },
  { title: 'ALL ENDED', dropOrder: 1 },
]

export function define(command: Command): void {
  withTable(command).action(list)
}

async function list(settings: TableSettings & JsonFlag): Promise<void> {
  await useTable(settings, async (table) => {
    const { applications, clients } = await readRegistry(table)
    const found = [...applications].sort((one, other) => (one.name < other.name ? -1 : 1))
    const counted = found.map((application) => ({
      application,
      count: clients.filter((client) => client.application === application.name).length,
    }))
    if (settings.json) {
      return printJson({
        applications: counted.map(({ application, count }) => ({ ...application, clients: count })),
      })
    }
    if (found.length === 0) return say('There are no applications.', 'dim')
    const rows = counted.map(({ application, count }) => rowOf(application, count))
    printTable(columns, rows)
  })
}

function rowOf(application: Application, clients: number) {
  const { name, displayName, provider } = application
  const ended = endedAt(application)
  return [
    name,
    inLanguage(displayName, 'en'),
    String(clients),
    provider.kind,
    identityOf(provider).address,
    ended === undefined ? '–' : relative(ended, Date.now()),
  ]
}
