/**
 * Items as they are in the table, read strongly consistent.
 */

import { GetCommand, QueryCommand, type QueryCommandOutput } from '@aws-sdk/lib-dynamodb'
import { ask, type Table } from './table.ts'

export type Key = { readonly pk: string; readonly sk: string }
export type Item = Readonly<Record<string, unknown>>

/** @throws {Unavailable} */
export async function itemAt<Stored = Item>(table: Table, key: Key): Promise<Stored | undefined> {
  const command = new GetCommand({ TableName: table.name, Key: key, ConsistentRead: true })
  const { Item: item } = await ask(() => table.client.send(command))
  return item as Stored | undefined
}

/** All items of a partition. One request for each megabyte. @throws {Unavailable} */
export async function itemsUnder<Stored = Item>(table: Table, pk: string): Promise<Stored[]> {
  const items: Stored[] = []
  let start: QueryCommandOutput['LastEvaluatedKey']
  do {
    const command = new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
      ConsistentRead: true,
      ExclusiveStartKey: start,
    })
    const page = await ask(() => table.client.send(command))
    items.push(...((page.Items ?? []) as Stored[]))
    start = page.LastEvaluatedKey
  } while (start !== undefined)
  return items
}
