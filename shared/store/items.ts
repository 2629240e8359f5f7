/**
 * Items as they are in the table, read strongly consistent.
 */

import { GetCommand, QueryCommand, type QueryCommandInput, type QueryCommandOutput } from '@aws-sdk/lib-dynamodb'
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
  for await (const page of pagesUnder<Stored>(table, pk, { ConsistentRead: true })) items.push(...page)
  return items
}

/** The items of a partition, one request for each page. @throws {Unavailable} */
export async function* pagesUnder<Stored>(
  table: Table,
  pk: string,
  how: Pick<QueryCommandInput, 'ConsistentRead' | 'ScanIndexForward' | 'Limit'>,
): AsyncGenerator<readonly Stored[]> {
  let start: QueryCommandOutput['LastEvaluatedKey']
  do {
    const command = new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
      ...how,
      ExclusiveStartKey: start,
    })
    const page = await ask(() => table.client.send(command))
    yield (page.Items ?? []) as Stored[]
    start = page.LastEvaluatedKey
  } while (start !== undefined)
}
