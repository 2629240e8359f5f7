/**
 * Ended sessions that the provider has not been told of, found by a sparse index.
 */

import { QueryCommand, type QueryCommandOutput } from '@aws-sdk/lib-dynamodb'
import { ask, type Table } from './table.ts'
import { revocationsIndex } from './table-schema.ts'

const pageSize = 100

export type Revocations = {
  /**
   * Sids, the longest overdue first, a page at a time. The index lags, so read each family before you act on it.
   *
   * @throws {Unavailable}
   */
  due(): AsyncGenerator<readonly string[]>
}

export function createRevocations(table: Table): Revocations {
  return { due: () => due(table) }
}

async function* due({ client, name }: Table): AsyncGenerator<readonly string[]> {
  let start: QueryCommandOutput['LastEvaluatedKey']
  do {
    const command = new QueryCommand({
      TableName: name,
      IndexName: revocationsIndex,
      KeyConditionExpression: 'revocationDue = :due',
      ExpressionAttributeValues: { ':due': 'provider' },
      Limit: pageSize,
      ExclusiveStartKey: start,
    })
    const page = await ask(() => client.send(command))
    yield (page.Items ?? []).map(({ sid }) => String(sid))
    start = page.LastEvaluatedKey
  } while (start !== undefined)
}
