/**
 * Items as DynamoDB's JSON has them, and as plain objects.
 *
 * Owns the translation of what our items are made of: strings, numbers, booleans, lists and maps. Pure. The library for it
 * translates far more, sets and bytes and numbers of 38 digits, and takes a share of each refresh that can be seen
 * (docs/decisions/0031-what-a-refresh-passes-through.md). Must not know any item.
 */

import type { AttributeValue } from '@aws-sdk/client-dynamodb'

export type Attributes = Record<string, AttributeValue>

/**
 * @param item members that are undefined are left out
 * @throws {TypeError} for what no item of ours holds
 */
export function marshall(item: Readonly<Record<string, unknown>>): Attributes {
  const present = Object.entries(item).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present.map(([name, value]) => [name, attributeOf(value)]))
}

/** @throws {TypeError} for an attribute that is no item's of ours */
export function unmarshall(attributes: Readonly<Attributes>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, plainOf(attribute)]))
}

function attributeOf(value: unknown): AttributeValue {
  switch (typeof value) {
    case 'string':
      return { S: value }
    case 'boolean':
      return { BOOL: value }
    case 'number':
      if (Number.isFinite(value)) return { N: String(value) }
      break
    case 'object':
      if (Array.isArray(value)) return { L: value.map(attributeOf) }
      if (value !== null) return { M: marshall(value as Record<string, unknown>) }
  }
  throw new TypeError('Items hold strings, numbers, booleans, lists and maps.')
}

function plainOf({ S, N, BOOL, L, M }: AttributeValue): unknown {
  const plain = S ?? BOOL ?? (N && Number(N)) ?? L?.map(plainOf) ?? (M && unmarshall(M))
  if (plain === undefined) throw new TypeError('Items hold strings, numbers, booleans, lists and maps.')
  return plain
}
