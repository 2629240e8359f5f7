/**
 * A client's secrets in the table: two at most, the newest first, as hashes.
 *
 * Owns how one is added and ended, each by one conditional write. Must not know a secret itself, nor how it is drawn.
 *
 *     one live ──addSecret──► two live ──retireSecret──► one live        (addSecret alone: any ──► one live)
 */

import { type AttributeValue, ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { Client } from '../domain/registration.ts'
import { marshall, unmarshall } from './attributes.ts'
import { applicationKey, clientKey } from './registrations.ts'
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
): Promise<SecretAdded> {
  const before = await updateClient(table, application, clientId, {
    UpdateExpression: `SET secretHashes = ${alone ? ':new' : 'list_append(:new, secretHashes)'}`,
    ConditionExpression: `#auth IN (:basic, :post)${alone ? '' : ' AND attribute_not_exists(secretHashes[1])'}`,
    ExpressionAttributeNames: { '#auth': 'auth' },
    ExpressionAttributeValues: marshall({
      ':new': [hash],
      ':basic': 'client_secret_basic',
      ':post': 'client_secret_post',
    }),
  })
  if (before === 'updated' || (before !== 'missing' && before.secretHashes[0] === hash)) return 'added'
  if (before === 'missing') return 'no client'
  return before.auth.startsWith('client_secret_') ? 'two already' : 'no secrets'
}

/** Ends the older of two live secrets. @returns how many were live before it @throws {Unavailable} */
export async function retireSecret(table: Table, application: string, clientId: string): Promise<number | 'no client'> {
  const before = await updateClient(table, application, clientId, {
    UpdateExpression: 'REMOVE secretHashes[1]',
    ConditionExpression: 'attribute_exists(secretHashes[1])',
  })
  if (before === 'updated') return 2
  return before === 'missing' ? 'no client' : before.secretHashes.length
}

type Update = {
  readonly UpdateExpression: string
  readonly ConditionExpression: string
  readonly ExpressionAttributeNames?: Record<string, string>
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>
}

/** @returns the client as it is, where the condition does not hold */
async function updateClient(
  table: Table,
  application: string,
  clientId: string,
  update: Update,
): Promise<'updated' | 'missing' | Client> {
  try {
    await ask(() =>
      table.client.send(
        new UpdateItemCommand({
          TableName: table.name,
          Key: marshall({ pk: applicationKey(application), sk: clientKey(clientId) }),
          ...update,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      ),
    )
    return 'updated'
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
    return error.Item === undefined ? 'missing' : (unmarshall(error.Item) as Client)
  }
}
