/**
 * How large an item is by DynamoDB's own rule: names and values, and nothing for the keeping.
 *
 * Owns that rule (Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats"). Pure.
 */

/** On the wire: `{ "S": "text" }` and its like. */
export type WireValue = Readonly<Record<string, unknown>>
export type WireItem = Readonly<Record<string, WireValue>>

/** A list or a map costs this much itself, and one more byte for each of its elements. */
const collectionBytes = 3
const elementBytes = 1

export function itemBytes(item: WireItem): number {
  return sum(Object.entries(item).map(([name, value]) => Buffer.byteLength(name) + valueBytes(value)))
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
      throw new Error(`DynamoDB knows no type ${type}`)
  }
}

/** A byte for two significant digits, and one more. */
function numberBytes(text: string): number {
  const [mantissa = ''] = text.replace('-', '').split(/e/i)
  const [whole = '', fraction = ''] = mantissa.split('.')
  const significant = (whole + fraction).replace(/^0+/, '').replace(/0+$/, '')
  return Math.ceil(significant.length / 2) + 1 + (text.startsWith('-') ? 1 : 0)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
