/** Headers that every answer has, of a function or of the gateway itself (infra/gateway-errors.ts). */

export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  // Two years. Ignored where there is no TLS (RFC 6797 §8.1). Subdomains are not ours to decide for.
  'strict-transport-security': 'max-age=63072000',
} as const

/** At routes that browsers of any origin may call, without credentials (Fetch, CORS protocol). */
export const crossOriginHeaders = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'WWW-Authenticate, Retry-After, X-Request-Id',
} as const
