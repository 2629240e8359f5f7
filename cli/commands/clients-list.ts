/**
 * `token-broker clients list`: what is registered.
 *
 * Owns the table's columns. Secrets are counted and never told, not even their hashes.
 */

import { inLanguage } from '../../shared/domain/local-text.ts'
import type { Client } from '../../shared/domain/registration.ts'
import { readRegistry } from '../../shared/store/registry.ts'
import type { Command } from '../command.ts'
import { noApplication } from '../one-client.ts'
import { withTable } from '../registry.ts'
import { duration } from '../relative-time.ts'
import { givenApplication, tableOptions } from '../settings.ts'
import { type Column, createTable } from '../table.ts'
import { print, printJson, say, terminalWidth } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: 'APPLICATION' },
  { title: 'CLIENT', least: 12 },
  { title: 'NAME', least: 10, dispensable: 4 },
  { title: 'AUTH' },
  { title: 'SECRETS', dispensable: 3 },
  { title: 'GRANTS', least: 12 },
  { title: 'GRACE', dispensable: 2 },
  { title: 'IDLE', dispensable: 1 },
]

export const command: Command = {
  says: 'The clients that are registered.',
  words: ['[application]'],
  options: { ...tableOptions, application: { takes: 'NAME', says: 'the same as the word' } },
  run: async (input) => {
    const wanted = input.words[0] ?? givenApplication(input)
    await withTable(input, async (table) => {
      const { applications, clients } = await readRegistry(table, wanted === undefined ? [] : [wanted])
      if (wanted !== undefined && !applications.some(({ name }) => name === wanted)) {
        throw noApplication(wanted)
      }
      const found = clients
        .filter(({ application }) => wanted === undefined || application === wanted)
        .sort((one, other) => (one.application < other.application ? -1 : one.application > other.application ? 1 : 0))
      if (input.flag('json')) return printJson({ clients: found.map(told) })
      if (found.length === 0) return say('There are no clients.', 'dim')
      print(createTable(columns, terminalWidth())(found.map(rowOf)).join('\n'))
    })
  },
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

/** As the registry file has it, the secrets aside. */
function told({ secretHashes, ...client }: Client): object {
  return { ...client, secrets: secretHashes.length }
}
