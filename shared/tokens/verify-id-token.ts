/**
 * Verifies an ID token of the broker as an `id_token_hint` (OIDC Core §3.1.2.1).
 *
 * An expired one is accepted: clients keep ID tokens longer than they are valid, and a hint grants nothing.
 */

import { compactVerify } from 'jose'
import { JOSEError, JWKSNoMatchingKey } from 'jose/errors'
import type { IdTokenClaims } from './id-token.ts'
import type { Keyring } from './keyring.ts'

/** @returns the `sub`; undefined unless this issuer signed the token for this client */
export async function subjectOfIdToken(
  keyring: Keyring,
  issuer: string,
  clientId: string,
  token: string,
): Promise<string | undefined> {
  try {
    const { payload, protectedHeader } = await compactVerify(
      token,
      ({ kid, alg }) => {
        const key = keyring.publicKeys.find((candidate) => candidate.kid === kid && candidate.alg === alg)
        if (key === undefined) throw new JWKSNoMatchingKey()
        return key
      },
      { algorithms: ['ES256', 'RS256'] },
    )
    const { iss, aud, sub } = JSON.parse(Buffer.from(payload).toString()) as IdTokenClaims
    // The same keys sign access tokens, whose type is at+jwt.
    return protectedHeader.typ === 'JWT' && iss === issuer && aud === clientId ? sub : undefined
  } catch (error) {
    if (error instanceof JOSEError) return undefined
    throw error
  }
}
