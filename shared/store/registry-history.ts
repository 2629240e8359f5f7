/**
 * The history of the registry: who changed which members, and when. One item for each transaction, written with it.
 *
 * An entry names members and never holds their values, so it holds no secret and no hash of one.
 */

import { QueryCommand } from '@aws-sdk/lib-dynamodb'
import { applicationOf, type Change, isClient } from '../domain/registry-changes.ts'
import { putIn, type TransactedWrite } from './conditional-write.ts'
import { ask, type Table } from './table.ts'

export type Author = {
  /** An ARN, as STS says it; on this machine the name of the user. */
  readonly actor: string
  /** `apply`, `clients create` … */
  readonly command: string
}

export type HistoryChange = {
  readonly kind: 'added' | 'changed' | 'removed'
  readonly application: string
  readonly clientId?: string | undefined
  /** The names of the members that differ, for a changed record. */
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
): TransactedWrite {
  const sk = `${new Date(nowMs).toISOString()}#${id}`
  const expires = Math.ceil(nowMs / 1000) + keptSeconds
  return putIn(table, { pk: partition, sk }, { at: nowMs, actor, command, changes, expires })
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
  const command = new QueryCommand({
    TableName: table.name,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': partition },
    ScanIndexForward: false,
    Limit: limit,
  })
  const { Items: items = [] } = await ask(() => table.client.send(command))
  return items as HistoryEntry[]
}
