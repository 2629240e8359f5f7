/** DynamoDB's values as they are on the wire, and how it compares them. */

export type Value =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly L: readonly Value[] }
  | { readonly M: Item }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] }

export type Item = { readonly [name: string]: Value }

/** DynamoDB refuses the request. The name is the exception that its clients know. */
export class Refused extends Error {
  readonly details: Readonly<Record<string, unknown>>

  constructor(name: string, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.name = name
    this.details = details
  }
}

export function invalid(message: string): Refused {
  return new Refused('ValidationException', message)
}

export type ValueType = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'L' | 'M' | 'SS' | 'NS' | 'BS'

export function typeOf(value: Value): ValueType {
  return Object.keys(value)[0] as ValueType
}

export function plain(value: Value): unknown {
  return Object.values(value)[0]
}

/** Numbers are exact up to the safe integers and the doubles; the broker writes no others. */
export function numberIn(value: Value): number {
  return Number((value as { N: string }).N)
}

export function numberValue(number: number): Value {
  return { N: String(number) }
}

/** A value as the table keeps it: numbers lose what does not count. */
export function stored(value: Value): Value {
  switch (typeOf(value)) {
    case 'N':
      return numberValue(numberIn(value))
    case 'L':
      return { L: (value as { L: readonly Value[] }).L.map(stored) }
    case 'M':
      return { M: storedItem((value as { M: Item }).M) }
    case 'NS':
      return { NS: (value as { NS: readonly string[] }).NS.map((text) => String(Number(text))) }
    default:
      return value
  }
}

export function storedItem(item: Item): Item {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, stored(value)]))
}

export function isEqual(one: Value, other: Value): boolean {
  const type = typeOf(one)
  if (type !== typeOf(other)) return false
  switch (type) {
    case 'N':
      return numberIn(one) === numberIn(other)
    case 'L': {
      const [left, right] = [(one as { L: readonly Value[] }).L, (other as { L: readonly Value[] }).L]
      return left.length === right.length && left.every((value, at) => isEqual(value, right[at]!))
    }
    case 'M': {
      const [left, right] = [(one as { M: Item }).M, (other as { M: Item }).M]
      const names = Object.keys(left)
      return (
        names.length === Object.keys(right).length &&
        names.every((name) => right[name] !== undefined && isEqual(left[name]!, right[name]))
      )
    }
    case 'SS':
    case 'NS':
    case 'BS': {
      const [left, right] = [plain(one) as string[], plain(other) as string[]]
      return left.length === right.length && left.every((member) => right.includes(member))
    }
    default:
      return plain(one) === plain(other)
  }
}

/** @returns below, at or above 0; undefined for values that have no order between them */
export function order(one: Value, other: Value): number | undefined {
  const type = typeOf(one)
  if (type !== typeOf(other)) return undefined
  switch (type) {
    case 'N':
      return numberIn(one) - numberIn(other)
    case 'S':
      return Buffer.compare(Buffer.from(plain(one) as string), Buffer.from(plain(other) as string))
    case 'B':
      return Buffer.compare(Buffer.from(plain(one) as string, 'base64'), Buffer.from(plain(other) as string, 'base64'))
    default:
      return undefined
  }
}
