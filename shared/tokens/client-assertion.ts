/** Verifies client assertions (RFC 7523 §2.2, §3; OIDC Core §9, `private_key_jwt`). Single use: shared/store/used-assertions.ts. */

import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import {
  JOSEError,
  JWSInvalid,
  JWSSignatureVerificationFailed,
  JWTClaimValidationFailed,
  JWTExpired,
} from 'jose/errors'
import type { PublicJwk } from '../domain/registration.ts'
import { assertionAlgorithms } from './assertion-algorithms.ts'

/** The longest lifetime of an assertion. Its `jti` is stored for as long. */
const maxLifetimeSeconds = 600
/** The tolerance for a client's clock that is ahead. An expired assertion is refused without tolerance. */
const leewaySeconds = 30
const maxJtiLength = 256

export type ExpectedAssertion = {
  readonly clientId: string
  readonly keys: readonly PublicJwk[]
  /** The broker's issuer, the only accepted `aud`. */
  readonly issuer: string
  /** ms */
  readonly now: number
}

/** @property fault for the operator's log: the claim or error code, and nothing that the client sent */
export type AssertionResult =
  | { readonly holds: true; readonly jti: string; readonly expiresAtSeconds: number }
  | { readonly holds: false; readonly fault: string }

export async function verifyAssertion(assertion: string, expected: ExpectedAssertion): Promise<AssertionResult> {
  try {
    if (!isAssertionType(headerOf(assertion).typ)) return { holds: false, fault: 'typ' }
    const payload = await payloadOf(assertion, expected)
    const fault = faultOf(payload, expected)
    if (fault !== undefined) return { holds: false, fault }
    return { holds: true, jti: payload.jti!, expiresAtSeconds: payload.exp! }
  } catch (error) {
    if (error instanceof JWTClaimValidationFailed || error instanceof JWTExpired) {
      return { holds: false, fault: error.claim }
    }
    if (error instanceof JOSEError) return { holds: false, fault: error.code }
    throw error
  }
}

/** Tries the client's keys that fit `alg` and `kid`. `kid` is optional (RFC 7515 §4.1.4), and a client has at most four keys. */
async function payloadOf(assertion: string, { clientId, keys, issuer, now }: ExpectedAssertion): Promise<JWTPayload> {
  const { alg, kid } = headerOf(assertion)
  for (const key of keys.filter((candidate) => mayHaveSigned(candidate, alg, kid))) {
    try {
      const { payload } = await jwtVerify(assertion, key, {
        algorithms: [...assertionAlgorithms],
        issuer: clientId, // RFC 7523 §3, 1
        subject: clientId, // RFC 7523 §3, 2.B
        audience: issuer, // RFC 7523 §3, 3
        requiredClaims: ['exp', 'jti'],
        clockTolerance: leewaySeconds,
        currentDate: new Date(now),
      })
      return payload
    } catch (error) {
      if (!(error instanceof JWSSignatureVerificationFailed)) throw error
    }
  }
  throw new JWSSignatureVerificationFailed()
}

/**
 * RFC 8725 §3.11: a request object, a DPoP proof or an access token that the same key has signed is no assertion.
 * draft-ietf-oauth-rfc7523bis names the last of these types; most libraries send one of the others.
 */
const assertionTypes = ['jwt', 'jose', 'client-authentication+jwt', 'application/client-authentication+jwt']

function isAssertionType(typ: unknown): boolean {
  return typ === undefined || (typeof typ === 'string' && assertionTypes.includes(typ.toLowerCase()))
}

function headerOf(assertion: string): { readonly alg?: unknown; readonly kid?: unknown; readonly typ?: unknown } {
  try {
    return decodeProtectedHeader(assertion)
  } catch {
    throw new JWSInvalid()
  }
}

function mayHaveSigned(key: PublicJwk, alg: unknown, kid: unknown): boolean {
  if (kid !== undefined && key.kid !== undefined && kid !== key.kid) return false
  switch (key.kty) {
    case 'EC':
      return alg === 'ES256'
    case 'OKP':
      return alg === 'EdDSA' || alg === 'Ed25519' // RFC 9864 §2.2: two names of one algorithm
    case 'RSA':
      return key.alg === undefined ? alg === 'RS256' || alg === 'PS256' : alg === key.alg
  }
}

/** The checks beyond those of a valid JWT from this client to the broker. */
function faultOf({ aud, exp, iat, jti }: JWTPayload, { issuer, now }: ExpectedAssertion): string | undefined {
  const nowSeconds = now / 1000
  // draft-ietf-oauth-rfc7523bis: the issuer alone. Another recipient could replay an assertion with several audiences here. A
  // malicious server could name the broker's endpoint as its own, and so obtain an assertion for that endpoint.
  if (Array.isArray(aud) ? aud.length !== 1 || aud[0] !== issuer : aud !== issuer) return 'aud'
  if (exp! <= nowSeconds || exp! > nowSeconds + maxLifetimeSeconds + leewaySeconds) return 'exp' // RFC 7523 §3, 4
  if (iat !== undefined && iat > nowSeconds + leewaySeconds) return 'iat' // RFC 7523 §3, 6
  if (typeof jti !== 'string' || jti === '' || jti.length > maxJtiLength) return 'jti' // RFC 7523 §3, 7
  return undefined
}
