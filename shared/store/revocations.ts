/**
 * Sessions that have ended here and are still to be ended at their provider, found by an index that holds no others.
 *
 * Owns the index's name and its query. Must not know what is done about them.
 */

import { QueryCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from './attributes.ts'
import type { Table } from './table.ts'
import { ask } from './table.ts'
import { revocationsIndex } from './table-schema.ts'

const pageSize = 100

export type Revocations = {
  /** Sids, the longest overdue first, a page at a time. The index lags, so each family is read before anything is done. @throws {Unavailable} */
  due(): AsyncGenerator<readonly string[]>
}

export function createRevocations(table: Table): Revocations {
  return { due: () => due(table) }
}

async function* due({ client, name }: Table): AsyncGenerator<readonly string[]> {
  let from: Record<string, never> | undefined
  do {
    const page = await ask(() =>
      client.send(
        new QueryCommand({
          TableName: name,
          IndexName: revocationsIndex,
          KeyConditionExpression: 'revocationDue = :due',
          ExpressionAttributeValues: marshall({ ':due': 'provider' }),
          Limit: pageSize,
          ...(from !== undefined && { ExclusiveStartKey: from }),
        }),
      ),
    )
    yield (page.Items ?? []).map((item) => String(unmarshall(item).sid))
    from = page.LastEvaluatedKey as Record<string, never> | undefined
  } while (from !== undefined)
}
