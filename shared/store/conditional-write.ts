/**
 * The one conditional write: every change of state goes through here (docs/decisions/0054-the-document-client.md).
 *
 * Each write carries a fresh id. So a retry of the SDK recognises its own success, and a lost answer can be looked after:
 *
 *     update ──condition holds──────────────────────► written: the new item
 *            ──condition fails──► the item comes back
 *                                   with our id     ► written: an earlier try succeeded, its answer was lost
 *                                   with another id ► not written: the item as it is
 *            ──no answer to any try──► GetItem
 *                                   with our id     ► written
 *                                   with our id as the previous one ► written, and another write followed
 *                                   anything else   ► Unavailable
 */

import {
  type CancellationReason,
  ConditionalCheckFailedException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb'
import { PutCommand, TransactWriteCommand, type TransactWriteCommandInput, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import { Unavailable } from '../unavailable.ts'
import { type Change, type Condition, conditionExpressions, updateExpressions } from './expressions.ts'
import { type Item, itemAt, type Key } from './items.ts'
import { ask, type Table } from './table.ts'

/** `written`: by this try, or by an earlier one of the same call. Otherwise the item as it is; undefined: there is none. */
export type Written<Stored> =
  | { readonly written: true; readonly item: Stored }
  | { readonly written: false; readonly item: Stored | undefined }

type Write = {
  readonly key: Key
  /** At least one; all of them must hold. */
  readonly conditions: readonly Condition[]
  /** Fresh for each call, the same for each retry of it. */
  readonly writeId: string
}

/** @throws {Unavailable} when it is not known whether the item was written, or known that it was not */
export function putItem<Stored extends object>(
  table: Table,
  { key, conditions, writeId, item }: Write & { readonly item: Stored },
): Promise<Written<Stored>> {
  const stored = { ...item, writeId, ...key }
  const command = new PutCommand({
    TableName: table.name,
    Item: stored,
    ...conditionExpressions(conditions),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  })
  return resolveWrite(table, { key, writeId }, async () => {
    await ask(() => table.client.send(command))
    return stored
  })
}

/** @throws {Unavailable} when it is not known whether the item was written, or known that it was not */
export function updateItem<Stored>(
  table: Table,
  { key, conditions, writeId, change }: Write & { readonly change: Change },
): Promise<Written<Stored>> {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: key,
    ...updateExpressions(conditions, { ...change, set: { ...change.set, writeId } }),
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  })
  return resolveWrite(table, { key, writeId }, async () => {
    const { Attributes: item } = await ask(() => table.client.send(command))
    return item as Stored
  })
}

async function resolveWrite<Stored>(
  table: Table,
  { key, writeId }: Pick<Write, 'key' | 'writeId'>,
  send: () => Promise<Stored>,
): Promise<Written<Stored>> {
  try {
    return { written: true, item: await send() }
  } catch (error) {
    const { isRefused, item } = await afterFailure(table, key, error)
    if (item?.writeId === writeId) return { written: true, item: item as Stored }
    if (isRefused || item?.previousWriteId === writeId) return { written: false, item: item as Stored | undefined }
    throw error
  }
}

/**
 * An update without an id, for an item that its writer may not read or that others write all the time.
 *
 * @returns the attributes that were updated, if `returnsUpdated`; undefined: the condition does not hold
 * @throws {Unavailable} also when only the answer was lost
 */
export async function updateWithoutId(
  table: Table,
  { key, conditions, change }: Omit<Write, 'writeId'> & { readonly change: Change },
  returnsUpdated = false,
): Promise<Item | undefined> {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: key,
    ...updateExpressions(conditions, change),
    ...(returnsUpdated && { ReturnValues: 'UPDATED_NEW' }),
  })
  try {
    const { Attributes: updated = {} } = await ask(() => table.client.send(command))
    return updated
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined
    throw error
  }
}

// --- transactions -----------------------------------------------------------------------------------------------------

/** One of the writes of a transaction. */
export type TransactedWrite = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

export function updateIn(
  table: Table,
  { key, conditions, change }: Omit<Write, 'writeId'> & { readonly change: Change },
): TransactedWrite {
  return { Update: { TableName: table.name, Key: key, ...updateExpressions(conditions, change) } }
}

export function putIn(table: Table, key: Key, item: object, conditions: readonly Condition[] = []): TransactedWrite {
  const Item = { ...item, ...key }
  return { Put: { TableName: table.name, Item, ...(conditions.length > 0 && conditionExpressions(conditions)) } }
}

export function deleteIn(table: Table, key: Key, conditions: readonly Condition[]): TransactedWrite {
  return { Delete: { TableName: table.name, Key: key, ...conditionExpressions(conditions) } }
}

/** `refused`: the condition of the first write does not hold. `conflict`: somebody else writes one of the other items. */
export type Transacted<Stored> =
  | { readonly outcome: 'written' | 'conflict' }
  | { readonly outcome: 'refused'; readonly item: Stored | undefined }

type Transaction<Stored> = {
  /** The request's token: DynamoDB recognises a retry by it for ten minutes. */
  readonly token: string
  readonly first: Omit<Write, 'writeId'> & { readonly change: Change }
  readonly others: readonly TransactedWrite[]
  /** Whether the first write's item shows that this transaction was made. */
  readonly isOwn: (item: Stored) => boolean
}

/** All of the writes or none. @throws {Unavailable} */
export async function transact<Stored extends object>(
  table: Table,
  { token, first, others, isOwn }: Transaction<Stored>,
): Promise<Transacted<Stored>> {
  const { Update } = updateIn(table, first)
  const command = new TransactWriteCommand({
    ClientRequestToken: token,
    TransactItems: [{ Update: { ...Update!, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } }, ...others],
  })
  try {
    await ask(() => table.client.send(command))
    return { outcome: 'written' }
  } catch (error) {
    const { isRefused, item } = await afterFailure(table, first.key, error)
    if (item !== undefined && isOwn(item as Stored)) return { outcome: 'written' }
    if (isRefused) return { outcome: 'refused', item: item as Stored | undefined }
    if (isConflict(error)) return { outcome: 'conflict' }
    throw error instanceof TransactionCanceledException ? new Unavailable('store', error) : error
  }
}

/** Canceled for a condition or for another transaction under way, and not because the request is wrong. */
function isConflict(error: unknown): boolean {
  const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : []
  return reasons.some(({ Code }) => Code === 'ConditionalCheckFailed' || Code === 'TransactionConflict')
}

// --- both -------------------------------------------------------------------------------------------------------------

/** `item`: what a failed condition brought back; after a lost answer, what a read finds. */
async function afterFailure(
  table: Table,
  key: Key,
  error: unknown,
): Promise<{ readonly isRefused: boolean; readonly item: Item | undefined }> {
  const failed = error instanceof TransactionCanceledException ? error.CancellationReasons?.[0] : error
  if (failed instanceof ConditionalCheckFailedException || isFailedReason(failed)) {
    // The document client does not translate the items of errors.
    return { isRefused: true, item: failed.Item && unmarshall(failed.Item) }
  }
  return { isRefused: false, item: await itemAfterLoss(table, key) }
}

function isFailedReason(failed: unknown): failed is CancellationReason {
  return (failed as CancellationReason | undefined)?.Code === 'ConditionalCheckFailed'
}

/**
 * The item after a write whose every answer was lost (docs/decisions/0018-lost-writes-are-looked-up.md).
 *
 * @returns undefined also when this read fails as well: the write's own error is the one to report
 */
async function itemAfterLoss(table: Table, key: Key): Promise<Item | undefined> {
  try {
    return await itemAt(table, key)
  } catch (error) {
    if (error instanceof Unavailable) return undefined
    throw error
  }
}
