/**
 * How large an item is by DynamoDB's own rules (Developer Guide, "DynamoDB item sizes and formats").
 */

/** Bytes, names included. */
export function itemBytes(item: Readonly<Record<string, unknown>>): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0)
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value === 'boolean' || value === null) return 1
  if (typeof value === 'number') return numberBytes(value)
  if (Array.isArray(value)) return 3 + value.reduce<number>((sum, element) => sum + 1 + valueBytes(element), 0)
  if (typeof value === 'object') return 3 + Object.keys(value).length + itemBytes(value as Record<string, unknown>)
  throw new TypeError(`an item holds no ${typeof value}`)
}

/** About one byte for two significant digits, and one; zeros at either end are trimmed. */
function numberBytes(value: number): number {
  const digits = String(Math.abs(value))
    .replace('.', '')
    .replace(/^0+|0+$/g, '')
  return 1 + Math.ceil(digits.length / 2) + (value < 0 ? 1 : 0)
}
