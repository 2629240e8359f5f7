/**
 * A precondition of a transition, and what its failure means.
 *
 * Owns how a guard is judged against a family in hand; shared/store/expressions.ts says the same to DynamoDB. Must not
 * know which guards there are.
 */

import type { Family } from './family.ts'
import type { Refusal } from './refusal.ts'

/** One precondition. It fails for an absent attribute, `absent` apart, as DynamoDB's own comparisons do. */
export type Guard = {
  readonly attribute: keyof Family
  /** What it means when this guard is the first that does not hold. */
  readonly onFailure: (family: Family) => Refusal | GraceRetry
} & (
  | { readonly is: '=' | '>' | '<='; readonly value: string | number }
  | { readonly is: 'in'; readonly values: readonly string[] }
  | { readonly is: 'contains'; readonly value: string }
  /** Of a list with one element at least: each element is one of these. */
  | { readonly is: 'within'; readonly values: readonly string[]; readonly maxLength: number }
  | { readonly is: 'absent' }
)

/** Not a refusal: within its grace the immediate predecessor is good for the same successor once more. */
export type GraceRetry = { readonly kind: 'grace-retry' }

/** Whether a guard holds for a family, by DynamoDB's rules of comparison. */
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

/** What the first guard that does not hold means; undefined: all hold. */
export function firstFailure(guards: readonly Guard[], family: Family): Refusal | GraceRetry | undefined {
  return guards.find((guard) => !holds(guard, family))?.onFailure(family)
}
