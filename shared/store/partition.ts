/**
 * All that lies under one partition key, strongly consistent.
 *
 * Owns the query and its pages. Must not know what the items are.
 */

import { type AttributeValue, QueryCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from './attributes.ts'
import type { Table } from './table.ts'
import { ask } from './table.ts'

export type Item = Readonly<Record<string, unknown>>

/** One request for up to a megabyte. @throws {Unavailable} */
export async function itemsUnder<Stored = Item>(table: Table, pk: string): Promise<Stored[]> {
  const items: Stored[] = []
  let start: Record<string, AttributeValue> | undefined
  do {
    const page = await ask(() =>
      table.client.send(
        new QueryCommand({
          TableName: table.name,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: marshall({ ':pk': pk }),
          ConsistentRead: true,
          ...(start !== undefined && { ExclusiveStartKey: start }),
        }),
      ),
    )
    items.push(...(page.Items ?? []).map((item) => unmarshall(item) as Stored))
    start = page.LastEvaluatedKey
  } while (start !== undefined)
  return items
}
