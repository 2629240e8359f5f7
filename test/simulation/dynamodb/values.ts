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

export const valueTypes = ['S', 'N', 'B', 'BOOL', 'NULL', 'L', 'M', 'SS', 'NS', 'BS'] as const
export type ValueType = (typeof valueTypes)[number]

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
  const text = String(number)
  if (text.includes('e') || Math.abs(number) > Number.MAX_SAFE_INTEGER) {
    throw new Error(`the model of DynamoDB has no number ${text}`)
  }
  return { N: text }
}

/** @throws {Refused} for what no item may hold */
export function checkValue(value: Value): void {
  const [type, ...others] = Object.keys(value) as ValueType[]
  if (type === undefined || others.length > 0) throw invalid('An AttributeValue must contain exactly one datatype')
  const inside = plain(value)
  if (type === 'N') checkNumber(inside as string)
  if (type === 'NULL' && inside !== true) throw invalid('Null attribute value types must have the value of true')
  if (type === 'L') for (const element of inside as Value[]) checkValue(element)
  if (type === 'M') checkMembers(inside as Item)
  if (type === 'SS' || type === 'NS' || type === 'BS') {
    const members = inside as string[]
    if (members.length === 0) throw invalid('A set may not be empty')
    if (new Set(members).size < members.length) throw invalid('Input collection contains duplicates')
    if (type === 'NS') members.forEach(checkNumber)
  }
}

export function checkMembers(item: Item): void {
  for (const [name, value] of Object.entries(item)) {
    if (name === '') throw invalid('Empty attribute name')
    checkValue(value)
  }
}

function checkNumber(text: string): void {
  const [, digits = '', fraction = ''] = /^[+-]?(\d*)(?:\.(\d*))?(?:[eE][+-]?\d+)?$/.exec(text) ?? []
  const size = Math.abs(Number(text))
  if (digits + fraction === '') throw invalid('A value provided cannot be converted into a number')
  const significant = `${digits}${fraction}`.replace(/^0+|0+$/g, '')
  if (significant.length > 38) throw invalid('DynamoDB only supports precision up to 38 digits')
  if (size >= 1e126 || (size < 1e-130 && significant !== '')) throw invalid('Number overflow or underflow')
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
      return { NS: (value as { NS: readonly string[] }).NS.map((text) => plain(numberValue(Number(text))) as string) }
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
