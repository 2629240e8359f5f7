/** `token-broker clients list`. Shows the number of secrets, never their hashes. */

import type { Command } from 'commander'
import { inLanguage } from '../../shared/domain/local-text.ts'
import type { Client } from '../../shared/domain/registration.ts'
import { readRegistry } from '../../shared/store/registry.ts'
import { noApplication } from '../one-client.ts'
import { useTable } from '../registry.ts'
import { duration } from '../relative-time.ts'
import { givenApplication, type JsonFlag, type TableSettings, withTable } from '../settings.ts'
import { type Column, printTable } from '../table.ts'
import { printJson, say } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: 'APPLICATION' },
  { title: 'CLIENT', minWidth: 12 },
  { title: 'NAME', minWidth: 10, dropOrder: 4 },
  { title: 'AUTH' },
  { title: 'SECRETS', dropOrder: 3 },
  { title: 'GRANTS', minWidth: 12 },
  { title: 'GRACE', dropOrder: 2 },
  { title: 'IDLE', dropOrder: 1 },
]

type Settings = TableSettings & JsonFlag & { readonly application?: string }

export function define(command: Command): void {
  withTable(command)
    .argument('[application]')
    .option('--application <name>', 'same as the argument (env: TOKEN_BROKER_APPLICATION)')
    .action(list)
}

async function list(application: string | undefined, settings: Settings): Promise<void> {
  const wanted = application ?? givenApplication(settings)
  await useTable(settings, async (table) => {
    const { applications, clients } = await readRegistry(table, wanted === undefined ? [] : [wanted])
    if (wanted !== undefined && !applications.some(({ name }) => name === wanted)) {
      throw noApplication(wanted)
    }
    const found = clients
      .filter(({ application }) => wanted === undefined || application === wanted)
      .sort((one, other) => (one.application < other.application ? -1 : one.application > other.application ? 1 : 0))
    if (settings.json) return printJson({ clients: found.map(withoutHashes) })
    if (found.length === 0) return say('There are no clients.', 'dim')
    printTable(columns, found.map(rowOf))
  })
}

function rowOf(client: Client) {
  const { application, clientId, displayName, auth, secretHashes, grants, graceSeconds, idleSeconds } = client
  return [
    ...[application, clientId, inLanguage(displayName, 'en'), auth],
    secretHashes.length === 0 && auth.startsWith('client_secret')
      ? ({ text: 'none', as: 'red' } as const)
      : String(secretHashes.length),
    grants.map((grant) => grant.replace(/^urn:ietf:params:oauth:grant-type:/, '')).join(' ') || '–',
    `${graceSeconds} s`,
    duration(idleSeconds),
  ]
}

function withoutHashes({ secretHashes, ...client }: Client): object {
  return { ...client, secrets: secretHashes.length }
}
