/**
 * `token-broker applications list`: which applications are registered.
 */

import { inLanguage } from '../../shared/domain/local-text.ts'
import type { Application } from '../../shared/domain/registration.ts'
import { readRegistry } from '../../shared/store/registry.ts'
import type { Command } from '../command.ts'
import { withTable } from '../registry.ts'
import { relative } from '../relative-time.ts'
import { tableOptions } from '../settings.ts'
import { type Column, createTable } from '../table.ts'
import { print, printJson, say, terminalWidth } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: 'APPLICATION' },
  { title: 'NAME', least: 10, dispensable: 3 },
  { title: 'CLIENTS' },
  { title: 'KIND', dispensable: 2 },
  { title: 'PROVIDER', least: 16 },
  { title: 'ALL ENDED', dispensable: 1 },
]

export const command: Command = {
  says: 'The applications that are registered.',
  options: tableOptions,
  run: async (input) => {
    await withTable(input, async (table) => {
      const { applications, clients } = await readRegistry(table)
      const found = [...applications].sort((one, other) => (one.name < other.name ? -1 : 1))
      const counted = found.map((application) => ({
        application,
        count: clients.filter((client) => client.application === application.name).length,
      }))
      if (input.flag('json')) {
        return printJson({
          applications: counted.map(({ application, count }) => ({ ...application, clients: count })),
        })
      }
      if (found.length === 0) return say('There are no applications.', 'dim')
      const rows = counted.map(({ application, count }) => rowOf(application, count))
      print(createTable(columns, terminalWidth())(rows).join('\n'))
    })
  },
}

function rowOf({ name, displayName, provider, revokedBefore }: Application, clients: number) {
  const place = provider.kind === 'oidc' ? provider.issuer : provider.authorizationEndpoint
  const ended = revokedBefore > 0 ? relative(new Date(revokedBefore).toISOString(), Date.now()) : '–'
  return [name, inLanguage(displayName, 'en'), String(clients), provider.kind, place, ended]
}
