/**
 * Families in the table: one item each, every change of one a single conditional write.
 *
 * Owns the item's key and the three requests there are: put, update, get. Must not know which transitions exist, nor why
 * one is refused: that is the domain's, handed in as data and explained from the item that a failed condition returns.
 *
 *     apply ──UpdateItem, condition──► holds: the new item
 *                                      fails: the item as it is ──explain──► ours, grace retry: as good as done
 *                                                                           refusal: an expected no
 *           ──no answer after the SDK's tries──► GetItem: does the item carry our write id? then it is done
 */

import { ConditionalCheckFailedException, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { Family } from '../domain/family.ts'
import type { Refusal } from '../domain/refusal.ts'
import { explain, type Transition } from '../domain/transitions.ts'
import { marshall, unmarshall } from './attributes.ts'
import { expressionsOf } from './expressions.ts'
import { itemAfterLoss, itemAt, type Key } from './item.ts'
import type { Table } from './table.ts'
import { ask } from './table.ts'

/** What became of a transition. `isGraceRetry`: nothing was written, and the family stands where this very call would lead. */
export type Outcome =
  | { readonly done: true; readonly family: Family; readonly isGraceRetry: boolean }
  | { readonly done: false; readonly refusal: Refusal; readonly family: Family | undefined }

export type Families = {
  /**
   * Puts a new family.
   *
   * @returns false when its sid is taken
   * @throws {Unavailable}
   */
  create(family: Family): Promise<boolean>
  /** @throws {Unavailable} */
  apply(transition: Transition): Promise<Outcome>
  /**
   * The family as it is, strongly consistent; for answers, never to decide a write by.
   *
   * @throws {Unavailable}
   */
  read(sid: string): Promise<Family | undefined>
}

export function createFamilies(table: Table): Families {
  return {
    create: (family) => open(table, family),
    apply: (transition) => apply(table, transition),
    read: (sid) => itemAt<Family>(table, keyOf(sid)),
  }
}

async function open(table: Table, family: Family): Promise<boolean> {
  try {
    await ask(() =>
      table.client.send(
        new PutItemCommand({
          TableName: table.name,
          Item: marshall({ ...keyOf(family.sid), ...family }),
          ConditionExpression: 'attribute_not_exists(pk)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      ),
    )
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return familyIn(error)?.writeId === family.writeId
    if (await wasWritten(table, family.sid, family.writeId)) return true
    throw error
  }
}

async function apply(table: Table, transition: Transition): Promise<Outcome> {
  try {
    const { Attributes } = await ask(() =>
      table.client.send(
        new UpdateItemCommand({
          TableName: table.name,
          Key: marshall(keyOf(transition.sid)),
          ...expressionsOf(transition),
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      ),
    )
    return { done: true, family: unmarshall(Attributes!) as Family, isGraceRetry: false }
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return outcomeOf(transition, familyIn(error))
    const written = await wasWritten(table, transition.sid, transition.writeId)
    if (written !== undefined) return outcomeOf(transition, written)
    throw error
  }
}

function outcomeOf(transition: Transition, family: Family | undefined): Outcome {
  const verdict = explain(transition, family)
  if (verdict.kind === 'ours' || verdict.kind === 'grace-retry') {
    return { done: true, family: family!, isGraceRetry: verdict.kind === 'grace-retry' }
  }
  return { done: false, refusal: verdict, family }
}

/** After a write whose every answer was lost: the item, when it still shows that this write was made. */
async function wasWritten(table: Table, sid: string, writeId: string): Promise<Family | undefined> {
  const family = await itemAfterLoss<Family>(table, keyOf(sid))
  return family?.writeId === writeId || family?.previousWriteId === writeId ? family : undefined
}

function familyIn(error: ConditionalCheckFailedException): Family | undefined {
  return error.Item && (unmarshall(error.Item) as Family)
}

export function keyOf(sid: string): Key {
  return { pk: `family#${sid}`, sk: 'family' }
}
