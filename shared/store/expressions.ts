/**
 * A transition as DynamoDB's own words: its guards as one condition, its changes as one update.
 *
 * Owns the translation. Pure. Must not know what a guard is for.
 */

import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb'
import type { Guard } from '../domain/guard.ts'
import type { Transition } from '../domain/transitions.ts'
import { marshall } from './attributes.ts'

type Expressions = Pick<
  UpdateItemCommandInput,
  'ConditionExpression' | 'UpdateExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>

/** Every attribute goes by a placeholder, since DynamoDB reserves some 570 words, `state` among them. */
export function expressionsOf(transition: Transition): Expressions {
  const values: Record<string, unknown> = {}
  const names: Record<string, string> = {}
  const name = (attribute: string) => {
    names[`#${attribute}`] = attribute
    return `#${attribute}`
  }
  let count = 0
  const value = (plain: unknown) => {
    const placeholder = `:v${count++}`
    values[placeholder] = plain
    return placeholder
  }
  const assignments = [
    ...Object.entries(transition.set).map(([attribute, plain]) => `${name(attribute)} = ${value(plain)}`),
    ...Object.entries(transition.copy ?? {}).map(([attribute, of]) => `${name(attribute)} = ${name(of)}`),
    ...Object.entries(transition.sum ?? {}).map(
      ([attribute, [of, plus]]) => `${name(attribute)} = ${name(of)} + ${value(plus)}`,
    ),
  ]
  const removed = (transition.remove ?? []).map(name)
  return {
    ConditionExpression: transition.guards
      .filter((guard) => !isImplied(guard, transition.guards))
      .map((guard) => conditionOf(guard, name, value))
      .join(' AND '),
    UpdateExpression: `SET ${assignments.join(', ')}${removed.length > 0 ? ` REMOVE ${removed.join(', ')}` : ''}`,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: marshall(values),
  }
}

/** One of some states is said already where a guard says which state. For an explanation both count, each in its place. */
function isImplied(guard: Guard, guards: readonly Guard[]): boolean {
  if (guard.is !== 'in') return false
  return guards.some(
    (other) => other.is === '=' && other.attribute === guard.attribute && guard.values.includes(other.value as string),
  )
}

function conditionOf(guard: Guard, name: (attribute: string) => string, value: (plain: unknown) => string): string {
  const attribute = name(guard.attribute)
  switch (guard.is) {
    case 'absent':
      return `attribute_not_exists(${attribute})`
    case 'contains':
      return `contains(${attribute}, ${value(guard.value)})`
    case 'in':
      return `${attribute} IN (${guard.values.map(value).join(', ')})`
    case 'within':
      return withinOf(attribute, guard, value)
    default:
      return `${attribute} ${guard.is} ${value(guard.value)}`
  }
}

/** DynamoDB has no word for "all of", so each place of the list is named, and that there is none beyond the last. */
function withinOf(
  attribute: string,
  { values, maxLength }: Guard & { readonly is: 'within' },
  value: (plain: unknown) => string,
): string {
  const known = values.map(value).join(', ')
  const length = Math.min(values.length, maxLength)
  const places = Array.from({ length }, (_, at) => `${attribute}[${at}]`)
  const isKnown = (place: string, at: number) =>
    at === 0 ? `${place} IN (${known})` : `(attribute_not_exists(${place}) OR ${place} IN (${known}))`
  return [...places.map(isKnown), `attribute_not_exists(${attribute}[${length}])`].join(' AND ')
}
