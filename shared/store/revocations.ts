/**
 * Ended sessions that the provider has not been told of, found by a sparse index.
 */

import { QueryCommand, type QueryCommandOutput } from '@aws-sdk/lib-dynamodb'
import { type RevocationDue, revocationMarks } from '../domain/due-revocation.ts'
import { ask, type Table } from './table.ts'
import { revocationsIndex } from './table-schema.ts'

const pageSize = 100

export type Revocations = {
  /**
   * Sids of what is due at `now`, a page at a time: those with the fewest failures first, and the longest overdue first among these. The
   * index lags, so read each family before you act on it.
   *
   * @throws {Unavailable}
   */
  due(now: number): AsyncGenerator<readonly string[]>
}

export function createRevocations(table: Table): Revocations {
  return { due: (now) => due(table, now) }
}

async function* due(table: Table, now: number): AsyncGenerator<readonly string[]> {
  for (const { due, afterMs } of revocationMarks) yield* endedUpTo(table, due, now - afterMs)
}

async function* endedUpTo(
  { client, name }: Table,
  due: RevocationDue,
  upToMs: number,
): AsyncGenerator<readonly string[]> {
  let start: QueryCommandOutput['LastEvaluatedKey']
  do {
    const command = new QueryCommand({
      TableName: name,
      IndexName: revocationsIndex,
      KeyConditionExpression: 'revocationDue = :due AND revokedAt <= :upToMs',
      ExpressionAttributeValues: { ':due': due, ':upToMs': upToMs },
      Limit: pageSize,
      ExclusiveStartKey: start,
    })
    const page = await ask(() => client.send(command))
    const sids = (page.Items ?? []).map(({ sid }) => String(sid))
    if (sids.length > 0) yield sids
    start = page.LastEvaluatedKey
  } while (start !== undefined)
}
