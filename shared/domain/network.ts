/**
 * Which addresses belong together: one household or machine has a whole IPv6 /64 to itself.
 */

/** @returns undefined where it cannot be told: a machine may have an IPv4 address and an IPv6 address */
export function isSameNetwork(one: string, other: string): boolean | undefined {
  return one.includes(':') === other.includes(':') ? networkOf(one) === networkOf(other) : undefined
}

/** The address itself, or of an IPv6 address its first 64 bits, however it is spelt. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`
}
