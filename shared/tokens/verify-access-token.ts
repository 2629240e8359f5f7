/**
 * Whether a text is an access token of ours.
 *
 * Owns the check of what shared/tokens/access-token.ts signs; apart from it, so that who only signs does not load what
 * verifies. Must not know families.
 */

import { type JWTPayload, jwtVerify } from 'jose'
import { JOSEError, JWKSNoMatchingKey } from 'jose/errors'
import { isOfSession, type VerifiedAccessToken } from './access-token.ts'
import type { Keyring } from './keyring.ts'

/**
 * RFC 9068 §4, as far as it concerns the issuer itself: type, signature, issuer, time.
 *
 * @returns undefined for whatever is not a valid access token of this issuer
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
    // Without a session it can only be the client's own.
    return isOfSession(payload) || payload.sub === payload.client_id ? payload : undefined
  } catch (error) {
    if (error instanceof JOSEError) return undefined
    throw error
  }
}
