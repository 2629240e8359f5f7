/** The network of an IP address. One household or machine has a whole IPv6 /64 (RFC 6177). */

/** @returns undefined for an IPv4 and an IPv6 address: one machine may have both */
export function isSameNetwork(one: string, other: string): boolean | undefined {
  return one.includes(':') === other.includes(':') ? networkOf(one) === networkOf(other) : undefined
}

/** The IPv4 address itself, or the first 64 bits of an IPv6 address in any spelling. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`
}
