/** Loopback addresses, the only ones that need no TLS (RFC 8252 §8.3). */

/** Whether a connection uses TLS or does not leave this machine. */
export function isConfidential(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
}

export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}
