/**
 * The history of the registry: who changed which members, and when. One item for each transaction, written with it.
 *
 * An entry names members and never holds their values, so it holds no secret and no hash of one.
 */

import { applicationOf, type Change, isClient } from '../domain/registry-changes.ts'
import { putIn, type TransactedWrite } from './conditional-write.ts'
import { pagesUnder } from './items.ts'
import type { Table } from './table.ts'

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
/** Entries that a request reads to find those of one application. */
const pageSize = 100

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

/**
 * The newest first.
 *
 * @param application only changes of this application; undefined: all
 * @param limit how many entries, at most
 * @throws {Unavailable}
 */
export async function readHistory(
  table: Table,
  application: string | undefined,
  limit: number,
): Promise<HistoryEntry[]> {
  const found: HistoryEntry[] = []
  const how = { ScanIndexForward: false, Limit: application === undefined ? limit : pageSize }
  for await (const entries of pagesUnder<HistoryEntry>(table, partition, how)) {
    for (const entry of entries) {
      const changes = entry.changes.filter((change) => application === undefined || change.application === application)
      if (changes.length > 0) found.push({ ...entry, changes })
    }
    if (found.length >= limit) break
  }
  return found.slice(0, limit)
}
