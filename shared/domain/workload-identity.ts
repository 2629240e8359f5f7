/** Compares the claims of a platform's token with those that a client is registered with (RFC 7523 §3). */

import type { RequiredClaims, WorkloadIdentity } from './registration.ts'

export type TokenClaims = Readonly<Record<string, unknown>>

export type ExpectedOfToken = {
  /** The application's issuer: the audience of identities that name none. */
  readonly issuer: string
  /** ms */
  readonly now: number
}

const defaultMaxAgeSeconds = 3_600
/** The most that a registration may allow. */
export const greatestMaxAgeSeconds = 86_400
/** The tolerance for a platform's clock that is ahead of ours. An expired token is refused without tolerance. */
const leewaySeconds = 30

/** @returns the unverified claims of a JWT; undefined: the text is no JWT */
export function claimsOf(token: string): TokenClaims | undefined {
  const [, payload, ...more] = token.split('.')
  if (payload === undefined || more.length !== 1) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as TokenClaims) : undefined
  } catch {
    return undefined
  }
}

/** @returns the claim that does not match, for the operator's log: its name and the registered value, nothing of the token */
export function mismatchOf(
  claims: TokenClaims,
  identity: WorkloadIdentity,
  expected: ExpectedOfToken,
): string | undefined {
  const { iss, sub, aud } = claims
  const audience = identity.audience ?? expected.issuer
  if (iss !== identity.issuer) return `iss is not ${JSON.stringify(identity.issuer)}`
  // draft-ietf-oauth-rfc7523bis: a single audience. Another audience of the same token could use it here.
  if (Array.isArray(aud) ? aud.length !== 1 || aud[0] !== audience : aud !== audience) {
    return `aud is not ${JSON.stringify(audience)} alone`
  }
  if (identity.subject !== undefined && sub !== identity.subject)
    return `sub is not ${JSON.stringify(identity.subject)}`
  return differingClaim(claims, identity.claims ?? {}, []) ?? outOfTime(claims, identity, expected.now / 1000)
}

function differingClaim(claims: TokenClaims, required: RequiredClaims, outer: readonly string[]): string | undefined {
  for (const [name, value] of Object.entries(required)) {
    const path = [...outer, name]
    const given = Object.hasOwn(claims, name) ? claims[name] : undefined
    if (typeof value === 'object') {
      const fault = isObject(given) ? differingClaim(given, value, path) : `${path.join(' > ')} is not an object`
      if (fault !== undefined) return fault
    } else if (given !== value) {
      return `${path.join(' > ')} is not ${JSON.stringify(value)}`
    }
  }
  return undefined
}

function isObject(value: unknown): value is TokenClaims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 7523 §3, 4 to 6. `iat` is required, since some platforms' tokens live for a year. */
function outOfTime(
  { exp, nbf, iat }: TokenClaims,
  { maxAgeSeconds = defaultMaxAgeSeconds }: WorkloadIdentity,
  nowSeconds: number,
): string | undefined {
  const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
  if (!isTime(exp)) return 'exp is missing, or not a number'
  if (!isTime(iat)) return 'iat is missing, or not a number'
  if (nbf !== undefined && !isTime(nbf)) return 'nbf is not a number'
  if (exp <= nowSeconds) return 'exp: the token has expired'
  if (nbf !== undefined && nbf > nowSeconds + leewaySeconds) return 'nbf: the token is not valid yet'
  if (iat > nowSeconds + leewaySeconds) return 'iat: the token was issued in the future'
  if (iat < nowSeconds - maxAgeSeconds) return `iat: the token is older than maxAgeSeconds ${maxAgeSeconds}`
  return undefined
}

/**
 * Not by the identity that matched: another one of the client, or the next registration, may accept the token for longer.
 *
 * @returns the second, since the epoch, after which no identity accepts the token
 */
export function lastUseSeconds({ exp, iat }: TokenClaims): number {
  return Math.min(Number(exp), Number(iat) + greatestMaxAgeSeconds)
}
