/**
 * Addresses that never leave the machine: the only ones where TLS may be missing (RFC 8252 §8.3).
 */

/** Whether a connection is protected from eavesdroppers: it uses TLS, or never leaves this machine. */
export function isConfidential(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
}

export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}
