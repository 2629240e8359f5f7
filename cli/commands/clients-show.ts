/**
 * `token-broker clients show`: one client as it is registered. Its secrets are counted and never told, not even hashed.
 */

import { readRegistry } from '../../shared/store/registry.ts'
import type { Command } from '../command.ts'
import { clientIn } from '../one-client.ts'
import { withTable } from '../registry.ts'
import { tableOptions } from '../settings.ts'
import { dim, plain, print, printJson } from '../terminal.ts'

/** In this order; any others come after them. */
const order = [
  'application',
  'clientId',
  'displayName',
  'auth',
  'secrets',
  'jwks',
  'grants',
  'redirectUris',
  'scopes',
  'audiences',
]

export const command: Command = {
  says: 'One client as it is registered.',
  words: ['<application>', '<client_id>'],
  options: tableOptions,
  run: async (input) => {
    const [application = '', clientId = ''] = input.words
    await withTable(input, async (table) => {
      const client = clientIn(await readRegistry(table, [application]), application, clientId)
      const { secretHashes, revokedBefore, ...members } = client
      const told = {
        ...members,
        secrets: secretHashes.length,
        ...(revokedBefore > 0 && { revokedBefore: new Date(revokedBefore).toISOString() }),
      }
      if (input.flag('json')) return printJson(told)
      const names = [...new Set([...order, ...Object.keys(told)])]
      const rows = names.flatMap((name): [string, unknown][] => {
        const value = (told as Readonly<Record<string, unknown>>)[name]
        return value === undefined ? [] : [[name, value]]
      })
      const width = Math.max(...rows.map(([name]) => name.length))
      print(rows.map(([name, value]) => `${dim(name.padEnd(width))}  ${plain(shown(value))}`).join('\n'))
    })
  },
}

function shown(value: unknown): string {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(' ') || '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
