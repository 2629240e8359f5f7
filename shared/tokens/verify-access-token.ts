/** Verifies the broker's access tokens. A file of its own, so that a Lambda that only signs does not load the verification. */

import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import { JOSEError, JWKSNoMatchingKey } from 'jose/errors'
import { isOfSession, type VerifiedAccessToken } from './access-token.ts'
import type { Keyring } from './keyring.ts'

/** Whether the token names a key that this keyring does not have. Another process may have read a newer one. */
export function isOfUnknownSigningKey(token: string, { publicKeys }: Keyring): boolean {
  try {
    const { kid } = decodeProtectedHeader(token)
    return kid !== undefined && !publicKeys.some((key) => key.kid === kid)
  } catch {
    return false
  }
}

/**
 * Checks type, signature, issuer and time (RFC 9068 §4), but not the audience.
 *
 * @returns undefined unless the token is a valid access token of this issuer
 */
export async function verifyAccessToken(
  keyring: Keyring,
  issuer: string,
  token: string,
  nowMs: number,
): Promise<VerifiedAccessToken | undefined> {
  try {
    const { payload } = await jwtVerify<JWTPayload & VerifiedAccessToken>(
      token,
      ({ kid, alg }) => {
        const key = keyring.publicKeys.find((candidate) => candidate.kid === kid && candidate.alg === alg)
        if (key === undefined) throw new JWKSNoMatchingKey()
        return key
      },
      {
        issuer,
        typ: 'at+jwt',
        algorithms: ['ES256', 'RS256'],
        requiredClaims: ['sub', 'aud', 'client_id', 'exp', 'iat', 'jti'],
        currentDate: new Date(nowMs),
      },
    )
    // RFC 9068 §2.2: a token without a session is the client's own.
    return isOfSession(payload) || payload.sub === payload.client_id ? payload : undefined
  } catch (error) {
    if (error instanceof JOSEError) return undefined
    throw error
  }
}
