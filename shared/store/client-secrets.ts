/**
 * A client's secrets in the table: two at most, the newest first, as hashes.
 *
 * Owns how one is added and ended, each by one conditional write. Must not know a secret itself, nor how it is drawn.
 *
 *     one live ──addSecret──► two live ──retireSecret──► one live        (addSecret alone: any ──► one live)
 */

import { randomUUID } from 'node:crypto'
import { type AttributeValue, TransactionCanceledException, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import type { Client } from '../domain/registration.ts'
import { marshall, unmarshall } from './attributes.ts'
import { applicationKey, clientKey } from './registrations.ts'
import { type Author, historyWrite } from './registry-history.ts'
import { ask, type Table } from './table.ts'

export type SecretAdded = 'added' | 'no client' | 'no secrets' | 'two already'

/**
 * Puts a new secret before the one that there is; `alone`, in the place of all.
 *
 * @param hash drawn for this call: finding it first in the list is how a retry knows its own success
 * @throws {Unavailable}
 */
export async function addSecret(
  table: Table,
  { application, clientId }: Pick<Client, 'application' | 'clientId'>,
  hash: string,
  alone: boolean,
  by?: Author,
): Promise<SecretAdded> {
  const before = await updateClient(
    table,
    { application, clientId, by },
    {
      UpdateExpression: `SET secretHashes = ${alone ? ':new' : 'list_append(:new, secretHashes)'}`,
      ConditionExpression: `#auth IN (:basic, :post)${alone ? '' : ' AND attribute_not_exists(secretHashes[1])'}`,
      ExpressionAttributeNames: { '#auth': 'auth' },
      ExpressionAttributeValues: marshall({
        ':new': [hash],
        ':basic': 'client_secret_basic',
        ':post': 'client_secret_post',
      }),
    },
  )
  if (before === 'updated' || (before !== 'missing' && before.secretHashes[0] === hash)) return 'added'
  if (before === 'missing') return 'no client'
  return before.auth.startsWith('client_secret_') ? 'two already' : 'no secrets'
}

/** Ends the older of two live secrets. @returns how many were live before it @throws {Unavailable} */
export async function retireSecret(
  table: Table,
  application: string,
  clientId: string,
  by?: Author,
): Promise<number | 'no client'> {
  const before = await updateClient(
    table,
    { application, clientId, by },
    {
      UpdateExpression: 'REMOVE secretHashes[1]',
      ConditionExpression: 'attribute_exists(secretHashes[1])',
    },
  )
  if (before === 'updated') return 2
  return before === 'missing' ? 'no client' : before.secretHashes.length
}

type Update = {
  readonly UpdateExpression: string
  readonly ConditionExpression: string
  readonly ExpressionAttributeNames?: Record<string, string>
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>
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
  update: Update,
): Promise<'updated' | 'missing' | Client> {
  const writeId = randomUUID()
  const changed = { kind: 'changed', application, clientId, members: ['secrets'] } as const
  const command = new TransactWriteItemsCommand({
    ClientRequestToken: writeId,
    TransactItems: [
      {
        Update: {
          TableName: table.name,
          Key: marshall({ pk: applicationKey(application), sk: clientKey(clientId) }),
          ...update,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
      ...(by === undefined ? [] : [historyWrite(table, by, Date.now(), writeId, [changed])]),
    ],
  })
  return ask(async () => {
    try {
      await table.client.send(command)
      return 'updated'
    } catch (error) {
      const [reason] = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : []
      if (reason?.Code !== 'ConditionalCheckFailed') throw error
      return reason.Item === undefined ? 'missing' : (unmarshall(reason.Item) as Client)
    }
  })
}
