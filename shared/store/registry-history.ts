/**
 * Who changed the registry, when, and which members: one item for each transaction, written with it.
 *
 * It names members and never holds their values, so no secret, nor a hash of one, is in it. Each is kept for 400 days.
 */

import { QueryCommand, type TransactWriteItem } from '@aws-sdk/client-dynamodb'
import { applicationOf, type Change, isClient } from '../domain/registry-changes.ts'
import { marshall, unmarshall } from './attributes.ts'
import { ask, type Table } from './table.ts'

export type Author = {
  /** An ARN, by STS's word; on this machine the name of its user. */
  readonly actor: string
  /** `apply`, `clients create` … */
  readonly command: string
}

export type HistoryChange = {
  readonly kind: 'added' | 'changed' | 'removed'
  readonly application: string
  readonly clientId?: string | undefined
  /** Of a changed record, the names of what differs. */
  readonly members: readonly string[]
}

export type HistoryEntry = Author & {
  /** ms since the epoch */
  readonly at: number
  readonly changes: readonly HistoryChange[]
}

const partition = 'registry#history'
const keptSeconds = 400 * 86_400

/** @param id of the transaction, so that two in one millisecond are two */
export function historyWrite(
  table: Table,
  { actor, command }: Author,
  nowMs: number,
  id: string,
  changes: readonly HistoryChange[],
): TransactWriteItem {
  const sk = `${new Date(nowMs).toISOString()}#${id}`
  const expires = Math.ceil(nowMs / 1000) + keptSeconds
  return {
    Put: {
      TableName: table.name,
      Item: marshall({ pk: partition, sk, at: nowMs, actor, command, changes: changes.map(plainOf), expires }),
    },
  }
}

/** Without members that are undefined, which a list of the table cannot hold. */
function plainOf(change: HistoryChange): object {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
}

export function historyChangesOf(changes: readonly Change[]): HistoryChange[] {
  return changes.flatMap(({ kind, record, members }) =>
    kind === 'unchanged' || kind === 'undeclared'
      ? []
      : [
          {
            kind,
            application: applicationOf(record),
            clientId: isClient(record) ? record.clientId : undefined,
            members,
          },
        ],
  )
}

/** The newest first. @throws {Unavailable} */
export async function readHistory(table: Table, limit: number): Promise<HistoryEntry[]> {
  const { Items = [] } = await ask(() =>
    table.client.send(
      new QueryCommand({
        TableName: table.name,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: marshall({ ':pk': partition }),
        ScanIndexForward: false,
        Limit: limit,
      }),
    ),
  )
  return Items.map((item) => unmarshall(item) as HistoryEntry)
}
