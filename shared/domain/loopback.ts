/**
 * Addresses that never leave the machine: the only ones where TLS may be missing (RFC 8252 §8.3).
 */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}
