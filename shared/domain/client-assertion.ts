/** Reads a client assertion (RFC 7523) without verifying it; shared/tokens/client-assertion.ts verifies. */

/** The `iss` of an assertion: the client that it claims to be of. @returns undefined for a text that is no JWT with an `iss` */
export function issuerOf(assertion: string): string | undefined {
  const [, payload, ...more] = assertion.split('.')
  if (payload === undefined || more.length !== 1) return undefined
  try {
    const { iss } = Object(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))) as { iss?: unknown }
    return typeof iss === 'string' && iss.isWellFormed() && !iss.includes('\0') ? iss : undefined
  } catch {
    return undefined
  }
}
