/** `token-broker clients show`. Shows the number of secrets, never their hashes. */

import type { Command } from 'commander'
import { readRegistry } from '../../shared/store/registry.ts'
import { clientIn } from '../one-client.ts'
import { useTable } from '../registry.ts'
import { type JsonFlag, type TableSettings, withTable } from '../settings.ts'
import { dim, plain, print, printJson } from '../terminal.ts'

/** Members in this order, all others after them. */
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

export function define(command: Command): void {
  withTable(command).argument('<application>').argument('<client_id>').action(show)
}

async function show(application: string, clientId: string, settings: TableSettings & JsonFlag): Promise<void> {
  await useTable(settings, async (table) => {
    const client = clientIn(await readRegistry(table, [application]), application, clientId)
    const { secretHashes, revokedBefore, ...members } = client
    const shown = {
      ...members,
      secrets: secretHashes.length,
      ...(revokedBefore > 0 && { revokedBefore: new Date(revokedBefore).toISOString() }),
    }
    if (settings.json) return printJson(shown)
    const names = [...new Set([...order, ...Object.keys(shown)])]
    const rows = names.flatMap((name): [string, unknown][] => {
      const value = (shown as Readonly<Record<string, unknown>>)[name]
      return value === undefined ? [] : [[name, value]]
    })
    const width = Math.max(...rows.map(([name]) => name.length))
    print(rows.map(([name, value]) => `${dim(name.padEnd(width))}  ${plain(text(value))}`).join('\n'))
  })
}

function text(value: unknown): string {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(' ') || '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
