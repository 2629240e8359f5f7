/** `token-broker clients show`. Shows the number of secrets, never their hashes. */

import type { Command } from 'commander'
import { readRegistry } from '../../shared/store/registry.ts'
import { clientIn, endedAt } from '../one-client.ts'
import { useTable } from '../registry.ts'
import { type JsonFlag, type TableSettings, withTable } from '../settings.ts'
import { plain, printJson, printMembers } from '../terminal.ts'

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
    const { secretHashes, revokedBefore: _, longerTokensUntil: __, addedAt, ...members } = client
    const shown = {
      ...members,
      secrets: secretHashes.length,
      ...(addedAt !== undefined && { addedAt: new Date(addedAt).toISOString() }),
      revokedBefore: endedAt(client),
    }
    if (settings.json) return printJson(shown)
    printMembers(shown, order, (_name, value) => plain(text(value)))
  })
}

function text(value: unknown): string {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(' ') || '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
