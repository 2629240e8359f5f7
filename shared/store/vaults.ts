/**
 * Vaults in the table: beside their family, in items of their own, so that a refresh of ours stays one write unit.
 *
 * Owns the item's key and its requests. Must not know what is sealed in it, nor when it changes. A change is written only
 * over the revision that it was decided upon:
 *
 *     swap ──UpdateItem, revision = seen──► holds: the new item
 *                                           fails: the item as it is; with our write id on it, our own success
 *          ──no answer after the SDK's tries──► GetItem, and the same question
 *     put  ──no answer after the SDK's tries──► GetItem: is it there?
 */

import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Family } from '../domain/family.ts'
import type { Vault, VaultChange } from '../domain/vault.ts'
import { marshall, unmarshall } from './attributes.ts'
import { itemAfterLoss, itemAt } from './item.ts'
import { itemsUnder } from './partition.ts'
import type { Table } from './table.ts'
import { ask } from './table.ts'

/** A family and the vault that it names. */
export type Session = { readonly family: Family; readonly vault: Vault | undefined }

/** `swapped`: the change is made. Otherwise the vault as somebody else has left it; undefined: it is gone. */
export type Swap =
  | { readonly swapped: true; readonly vault: Vault }
  | { readonly swapped: false; readonly vault: Vault | undefined }

export type Vaults = {
  /** Puts a new one, under an id that nobody else has. @throws {Unavailable} */
  put(vault: Vault): Promise<void>
  /** Strongly consistent. @throws {Unavailable} */
  read(sid: string, id: string): Promise<Vault | undefined>
  /** Family and vault in one request, strongly consistent; for answers, never to decide a family's write by. @throws {Unavailable} */
  readSession(sid: string): Promise<Session | undefined>
  /** @param writeId fresh for each call. @throws {Unavailable} */
  swap(seen: Vault, change: VaultChange, writeId: string): Promise<Swap>
  /** Once nothing can come of it any more. @throws {Unavailable} */
  remove(sid: string, id: string): Promise<void>
}

export function createVaults(table: Table): Vaults {
  return {
    put: (vault) => put(table, vault),
    read: (sid, id) => itemAt<Vault>(table, keyOf(sid, id)),
    readSession: (sid) => readSession(table, sid),
    swap: (seen, change, writeId) => swap(table, seen, change, writeId),
    remove: (sid, id) => remove(table, sid, id),
  }
}

async function put(table: Table, vault: Vault): Promise<void> {
  const Item = marshall({ ...keyOf(vault.sid, vault.id), ...vault })
  try {
    await ask(() =>
      table.client.send(
        new PutItemCommand({ TableName: table.name, Item, ConditionExpression: 'attribute_not_exists(pk)' }),
      ),
    )
  } catch (error) {
    // Nobody else draws this id: it is our own success, seen twice. A try that arrives late must not undo what followed.
    if (error instanceof ConditionalCheckFailedException) return
    // What is sealed in it is given by the provider once.
    if ((await itemAfterLoss<Vault>(table, keyOf(vault.sid, vault.id))) === undefined) throw error
  }
}

async function readSession(table: Table, sid: string): Promise<Session | undefined> {
  const items = await itemsUnder(table, partitionOf(sid))
  const family = items.find(({ sk }) => sk === 'family') as Family | undefined
  if (family === undefined) return undefined
  // Others may lie there: of a person who signed in for the same device code and was not the first.
  const vault = items.find(({ sk }) => sk === sortKeyOf(family.vault ?? '')) as Vault | undefined
  return { family, vault }
}

async function swap(table: Table, seen: Vault, { set, remove }: VaultChange, writeId: string): Promise<Swap> {
  const assigned = Object.entries({ ...set, writeId, revision: seen.revision + 1 })
  const assignments = assigned.map(([name]) => `#${name} = :${name}`).join(', ')
  const removed = remove.map((name) => `#${name}`).join(', ')
  const names = [...assigned.map(([name]) => name), ...remove]
  try {
    const { Attributes } = await ask(() =>
      table.client.send(
        new UpdateItemCommand({
          TableName: table.name,
          Key: marshall(keyOf(seen.sid, seen.id)),
          ConditionExpression: '#revision = :seen',
          UpdateExpression: `SET ${assignments}${removed === '' ? '' : ` REMOVE ${removed}`}`,
          ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
          ExpressionAttributeValues: marshall({
            ...Object.fromEntries(assigned.map(([name, value]) => [`:${name}`, value])),
            ':seen': seen.revision,
          }),
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      ),
    )
    return { swapped: true, vault: unmarshall(Attributes!) as Vault }
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      const vault = error.Item && (unmarshall(error.Item) as Vault)
      return vault?.writeId === writeId ? { swapped: true, vault } : { swapped: false, vault }
    }
    const vault = await itemAfterLoss<Vault>(table, keyOf(seen.sid, seen.id))
    if (vault?.writeId === writeId) return { swapped: true, vault }
    throw error
  }
}

async function remove(table: Table, sid: string, id: string): Promise<void> {
  const Key = marshall(keyOf(sid, id))
  await ask(() => table.client.send(new DeleteItemCommand({ TableName: table.name, Key })))
}

function partitionOf(sid: string): string {
  return `family#${sid}`
}

function sortKeyOf(id: string): string {
  return `provider#${id}`
}

function keyOf(sid: string, id: string) {
  return { pk: partitionOf(sid), sk: sortKeyOf(id) }
}
