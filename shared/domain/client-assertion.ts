/**
 * What there is to know of clients' assertions (RFC 7523) before any key is looked at.
 *
 * Owns whom an assertion claims to be of. Pure; nothing is verified here (shared/tokens/client-assertion.ts does).
 */

/** Whose an assertion says it is; undefined for what is no JWT, or nobody's name. */
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
