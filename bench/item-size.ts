/**
 * The size of an item by DynamoDB's rules (Developer Guide, "DynamoDB item sizes and formats"): the sum of names and values.
 */

/** A value in DynamoDB's JSON, for example `{ "S": "text" }`. */
export type WireValue = Readonly<Record<string, unknown>>
export type WireItem = Readonly<Record<string, WireValue>>

/** A list or a map takes this much itself, and one more byte for each of its elements. */
const collectionBytes = 3
const elementBytes = 1

export function itemBytes(item: WireItem): number {
  return sum(Object.entries(item).map(([name, value]) => Buffer.byteLength(name) + valueBytes(value)))
}

/**
 * The same for an item of plain values: strings, numbers, booleans, lists and maps. Undefined members do not count.
 * Optimized for millions of items with few different names.
 */
export function plainBytes(item: Readonly<Record<string, unknown>>): number {
  let bytes = 0
  for (const name in item) {
    const value = item[name]
    if (value !== undefined) bytes += nameBytes(name) + plainValueBytes(value)
  }
  return bytes
}

const namesBytes = new Map<string, number>()

function nameBytes(name: string): number {
  let bytes = namesBytes.get(name)
  if (bytes === undefined) {
    bytes = Buffer.byteLength(name)
    namesBytes.set(name, bytes)
  }
  return bytes
}

function plainValueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value === 'number') return Number.isInteger(value) ? integerBytes(value) : numberBytes(String(value))
  if (typeof value === 'boolean' || value === null) return 1
  if (Array.isArray(value)) return collectionBytes + sum(value.map((one) => elementBytes + plainValueBytes(one)))
  const map = value as Readonly<Record<string, unknown>>
  return collectionBytes + elementBytes * Object.keys(map).length + plainBytes(map)
}

function integerBytes(value: number): number {
  let [whole, digits] = [Math.abs(value), 0]
  while (whole !== 0 && whole % 10 === 0) whole /= 10
  for (; whole >= 1; whole = Math.floor(whole / 10)) digits += 1
  return Math.ceil(digits / 2) + 1 + (value < 0 ? 1 : 0)
}

function valueBytes(value: WireValue): number {
  const [[type, plain] = ['', undefined]] = Object.entries(value)
  switch (type) {
    case 'S':
      return Buffer.byteLength(plain as string)
    case 'N':
      return numberBytes(plain as string)
    case 'B':
      return Buffer.byteLength(plain as string, 'base64')
    case 'BOOL':
    case 'NULL':
      return 1
    case 'SS':
    case 'NS':
    case 'BS':
      return sum((plain as string[]).map((member) => valueBytes({ [type.charAt(0)]: member })))
    case 'L':
      return collectionBytes + sum((plain as WireValue[]).map((element) => elementBytes + valueBytes(element)))
    case 'M': {
      const members = Object.values(plain as WireItem).length
      return collectionBytes + elementBytes * members + itemBytes(plain as WireItem)
    }
    default:
      throw new Error(`Unknown DynamoDB type: ${type}`)
  }
}

/** One byte for every two significant digits, plus one. */
function numberBytes(text: string): number {
  const [mantissa = ''] = text.replace('-', '').split(/e/i)
  const [whole = '', fraction = ''] = mantissa.split('.')
  const significant = (whole + fraction).replace(/^0+/, '').replace(/0+$/, '')
  return Math.ceil(significant.length / 2) + 1 + (text.startsWith('-') ? 1 : 0)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
