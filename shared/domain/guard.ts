/** A precondition of a transition, judged by the same rules as DynamoDB's condition (shared/store/expressions.ts). */

import type { Family } from './family.ts'
import type { Refusal } from './refusal.ts'

/** One precondition. As in DynamoDB, every comparison but `absent` fails for an absent attribute. */
export type Guard = {
  readonly attribute: keyof Family
  /** The verdict when this guard is the first that fails. */
  readonly onFailure: (family: Family) => Refusal | GraceRetry
} & (
  | { readonly is: '=' | '>' | '<='; readonly value: string | number }
  | { readonly is: 'in'; readonly values: readonly string[] }
  | { readonly is: 'contains'; readonly value: string }
  /** A list of at least one element, and each is one of these. */
  | { readonly is: 'within'; readonly values: readonly string[]; readonly maxLength: number }
  | { readonly is: 'absent' }
)

/** Not a refusal: within the grace, the immediate predecessor gets the same successor again. */
export type GraceRetry = { readonly kind: 'grace-retry' }

/** Whether a family meets a guard. */
export function holds(guard: Guard, family: Family): boolean {
  const actual = family[guard.attribute]
  if (guard.is === 'absent') return actual === undefined
  if (actual === undefined) return false
  switch (guard.is) {
    case '=':
      return actual === guard.value
    case '>':
      return typeof actual === typeof guard.value && (actual as string | number) > guard.value
    case '<=':
      return typeof actual === typeof guard.value && (actual as string | number) <= guard.value
    case 'in':
      return guard.values.includes(actual as string)
    case 'contains':
      return Array.isArray(actual) && actual.includes(guard.value)
    case 'within':
      return isWithin(actual, guard)
  }
}

function isWithin(actual: unknown, { values, maxLength }: Guard & { readonly is: 'within' }): boolean {
  if (!Array.isArray(actual) || actual.length === 0 || actual.length > Math.min(values.length, maxLength)) return false
  return actual.every((element) => values.includes(element))
}

/** The verdict of the first guard that fails; undefined: all hold. */
export function firstFailure(guards: readonly Guard[], family: Family): Refusal | GraceRetry | undefined {
  return guards.find((guard) => !holds(guard, family))?.onFailure(family)
}
