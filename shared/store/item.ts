/**
 * One item, strongly consistent.
 *
 * Owns the read, for an answer and after a lost one (docs/decisions/0018-lost-writes-are-looked-up.md). Must not know what the
 * item is.
 */

import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { Unavailable } from '../unavailable.ts'
import { marshall, unmarshall } from './attributes.ts'
import type { Table } from './table.ts'
import { ask } from './table.ts'

export type Key = { readonly pk: string; readonly sk: string }

/** @throws {Unavailable} */
export async function itemAt<Stored>(table: Table, key: Key): Promise<Stored | undefined> {
  const { Item } = await ask(() =>
    table.client.send(new GetItemCommand({ TableName: table.name, Key: marshall(key), ConsistentRead: true })),
  )
  return Item && (unmarshall(Item) as Stored)
}

/**
 * After a write whose every answer was lost.
 *
 * @returns undefined also where that cannot be known: no reason to hide why we had to ask, for the write's own error is the
 * one to report
 */
export async function itemAfterLoss<Stored>(table: Table, key: Key): Promise<Stored | undefined> {
  try {
    return await itemAt<Stored>(table, key)
  } catch (error) {
    if (error instanceof Unavailable) return undefined
    throw error
  }
}
