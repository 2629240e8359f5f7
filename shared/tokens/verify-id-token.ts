/**
 * Whether a text is an ID token of ours, as a hint of who is meant to sign in (OIDC Core §3.1.2.1, `id_token_hint`).
 *
 * Its end does not matter: clients keep ID tokens longer than they are good, and a hint grants nothing.
 */

import { compactVerify } from 'jose'
import { JOSEError, JWKSNoMatchingKey } from 'jose/errors'
import type { IdTokenClaims } from './id-token.ts'
import type { Keyring } from './keyring.ts'

/** @returns whom it is about; undefined for what this issuer did not make for this client */
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
    // The type tells it from an access token, which the same keys sign.
    return protectedHeader.typ === 'JWT' && iss === issuer && aud === clientId ? sub : undefined
  } catch (error) {
    if (error instanceof JOSEError) return undefined
    throw error
  }
}
