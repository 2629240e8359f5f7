/**
 * A client's secrets in the table: at most two, the newest first, as hashes.
 *
 *     one live ──addSecret──► two live ──retireSecret──► one live        (addSecret alone: any ──► one live)
 */

import { randomUUID } from 'node:crypto'
import type { Client } from '../domain/registration.ts'
import { transact } from './conditional-write.ts'
import type { Change, Condition } from './expressions.ts'
import { applicationKey, clientKey } from './registrations.ts'
import { type Author, historyWrite } from './registry-history.ts'
import type { Table } from './table.ts'

/** `conflict`: other transactions kept writing the client, and nothing was changed. */
export type SecretAdded = 'added' | 'no client' | 'no secrets' | 'two already' | 'conflict'

const maxTries = 8

/**
 * Puts a new secret before the one that there is; with `alone`, in the place of all.
 *
 * @param hash drawn for this call: a retry that finds it first in the list recognises its own success
 * @throws {Unavailable}
 */
export async function addSecret(
  table: Table,
  { application, clientId }: Pick<Client, 'application' | 'clientId'>,
  hash: string,
  alone: boolean,
  by?: Author,
): Promise<SecretAdded> {
  const hasSecrets: Condition = { attribute: 'auth', is: 'in', values: ['client_secret_basic', 'client_secret_post'] }
  const before = await updateClient(
    table,
    { application, clientId, by },
    {
      conditions: alone ? [hasSecrets] : [hasSecrets, { attribute: 'secretHashes[1]', is: 'absent' }],
      change: alone ? { set: { secretHashes: [hash] } } : { prepend: { secretHashes: hash } },
      isOwn: ({ secretHashes }) => secretHashes[0] === hash,
    },
  )
  if (before === 'updated') return 'added'
  if (before === 'conflict') return before
  if (before === 'missing') return 'no client'
  return before.auth.startsWith('client_secret_') ? 'two already' : 'no secrets'
}

/** Ends the older of two live secrets. @returns how many were live before it @throws {Unavailable} */
export async function retireSecret(
  table: Table,
  application: string,
  clientId: string,
  by?: Author,
): Promise<number | 'no client' | 'conflict'> {
  const before = await updateClient(
    table,
    { application, clientId, by },
    {
      conditions: [{ attribute: 'secretHashes[1]', is: 'present' }],
      change: { remove: ['secretHashes[1]'] },
      // The item does not show who retired a secret. DynamoDB recognises a retry by the token of the request.
      isOwn: () => false,
    },
  )
  if (before === 'updated') return 2
  if (before === 'conflict') return before
  return before === 'missing' ? 'no client' : before.secretHashes.length
}

type Update = {
  readonly conditions: readonly Condition[]
  readonly change: Change
  readonly isOwn: (client: Client) => boolean
}

type Target = Pick<Client, 'application' | 'clientId'> & { readonly by: Author | undefined }

/**
 * With an author, the entry of the history is written in the same transaction.
 *
 * @returns the client as it is, where the condition does not hold
 */
async function updateClient(
  table: Table,
  { application, clientId, by }: Target,
  { isOwn, ...update }: Update,
): Promise<'updated' | 'missing' | 'conflict' | Client> {
  const changed = { kind: 'changed', application, clientId, members: ['secrets'] } as const
  for (let tries = 0; tries < maxTries; tries += 1) {
    const token = randomUUID()
    const result = await transact<Client>(table, {
      token,
      first: { key: { pk: applicationKey(application), sk: clientKey(clientId) }, ...update },
      others: by === undefined ? [] : [historyWrite(table, by, Date.now(), token, [changed])],
      isOwn,
    })
    if (result.outcome === 'written') return 'updated'
    if (result.outcome === 'refused') return result.item ?? 'missing'
  }
  return 'conflict'
}
