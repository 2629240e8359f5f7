/**
 * Applications with all of their clients, as ops see and revoke them.
 *
 * Owns the reading of a whole application past any memory, and `revokedBefore`, which ends every session that began up to
 * it by one conditional write: each transition's own condition holds it. Must not know families.
 */

import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { Application, Client } from '../domain/registration.ts'
import { marshall } from './attributes.ts'
import { itemAt, type Key } from './item.ts'
import { itemsUnder } from './partition.ts'
import { applicationKey, clientKey, type Registrations } from './registrations.ts'
import { applicationsIn, readRegistryItem } from './registry-item.ts'
import { ask, type Table } from './table.ts'

export type ApplicationWithClients = { readonly application: Application; readonly clients: readonly Client[] }

export type Registered = {
  /**
   * The names of all applications, in their order.
   *
   * @throws {Unavailable}
   */
  names(): Promise<readonly string[]>
  /** @throws {Unavailable} */
  read(application: string): Promise<ApplicationWithClients | undefined>
  /**
   * Revokes all families of a client, or without one of an application, that were created up to a moment. It is in effect
   * everywhere `registrationsCachedMs` after the answer.
   *
   * @returns the moment that holds now, which an earlier call may have put later; undefined: there is no such record
   * @throws {Unavailable}
   */
  revokeUpTo(application: string, clientId: string | undefined, upToMs: number): Promise<number | undefined>
}

/** @param registrations whose memory is to lose what is revoked */
export function createRegistered(table: Table, registrations: Registrations): Registered {
  return {
    names: async () => applicationsIn(await readRegistryItem(table)).sort(),
    read: (application) => readWhole(table, application),
    revokeUpTo: async (application, clientId, upToMs) => {
      const sk = clientId === undefined ? 'application' : clientKey(clientId)
      const revokedBefore = await revokeUpTo(table, { pk: applicationKey(application), sk }, upToMs)
      registrations.forget(application, clientId)
      return revokedBefore
    },
  }
}

async function readWhole(table: Table, name: string): Promise<ApplicationWithClients | undefined> {
  const records = await itemsUnder<Application | Client>(table, applicationKey(name))
  const application = records.find((record): record is Application => !('clientId' in record))
  const clients = records.filter((record): record is Client => 'clientId' in record)
  return application && { application, clients }
}

/**
 * A retry that meets what it wrote itself finds the moment it came with, which is as good as having written it now.
 *
 * The function's role may write `revokedBefore` alone, and DynamoDB does not say whether such a right covers the item that a
 * failed condition can bring back (infra/table.ts). So the item is read, which another right covers.
 */
async function revokeUpTo(table: Table, key: Key, upToMs: number): Promise<number | undefined> {
  try {
    await ask(() =>
      table.client.send(
        new UpdateItemCommand({
          TableName: table.name,
          Key: marshall(key),
          UpdateExpression: 'SET revokedBefore = :upTo',
          // Never earlier than it was, for what has been revoked stays so; and nobody is registered by being revoked.
          ConditionExpression:
            'attribute_exists(pk) AND (attribute_not_exists(revokedBefore) OR revokedBefore < :upTo)',
          ExpressionAttributeValues: marshall({ ':upTo': upToMs }),
        }),
      ),
    )
    return upToMs
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
    return (await itemAt<Application | Client>(table, key))?.revokedBefore
  }
}
