/**
 * Families in the table: one item each, and every change of one a single conditional write.
 */

import type { Family } from '../domain/family.ts'
import type { Refusal } from '../domain/refusal.ts'
import { explain, type Transition } from '../domain/transitions.ts'
import { putItem, updateItem } from './conditional-write.ts'
import { itemAt, type Key } from './items.ts'
import type { Table } from './table.ts'

/** The result of a transition. `isGraceRetry`: nothing was written, because an earlier call has led to the same family. */
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
   * The family as it is, strongly consistent. Use it for answers, never to decide a write.
   *
   * @throws {Unavailable}
   */
  read(sid: string): Promise<Family | undefined>
}

export function createFamilies(table: Table): Families {
  return {
    create: (family) => create(table, family),
    apply: (transition) => apply(table, transition),
    read: (sid) => itemAt<Family>(table, familyKey(sid)),
  }
}

async function create(table: Table, family: Family): Promise<boolean> {
  const { written, item } = await putItem<Family>(table, {
    key: familyKey(family.sid),
    conditions: [{ attribute: 'pk', is: 'absent' }],
    writeId: family.writeId,
    item: family,
  })
  // If the answer is lost, an operator may end the family before the retry, and its write id is another one. Its salt is drawn for
  // this family alone.
  return written || item?.saltHash === family.saltHash
}

async function apply(table: Table, transition: Transition): Promise<Outcome> {
  const { written, item: family } = await updateItem<Family>(table, {
    key: familyKey(transition.sid),
    conditions: transition.guards,
    writeId: transition.writeId,
    change: transition,
  })
  if (written) return { done: true, family, isGraceRetry: false }
  const verdict = explain(transition, family)
  if (verdict.kind === 'grace-retry') return { done: true, family: family!, isGraceRetry: true }
  return { done: false, refusal: verdict, family }
}

export function familyKey(sid: string): Key {
  return { pk: `family#${sid}`, sk: 'family' }
}
