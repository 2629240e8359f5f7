/** The broker's access tokens (RFC 9068). A token cannot be recalled, so userinfo and introspection check its session too. */

import type { SigningAlgorithm } from '../domain/registration.ts'
import { randomText } from '../random.ts'
import { signJwt } from './jwt.ts'
import type { Keyring } from './keyring.ts'

export type AccessTokenClaims = {
  readonly iss: string
  /** The person; or the client itself in the client_credentials grant (RFC 9068 §2.2). */
  readonly sub: string
  /** RFC 7519 §4.1.3: a string, or a list of several. */
  readonly aud: string | readonly string[]
  readonly client_id: string
  /** The session; absent in the client_credentials grant. */
  readonly sid?: string
  /** Space-separated; absent when nothing was granted. */
  readonly scope?: string
}

/** Signs an access token with a random `jti`. */
export function signAccessToken(
  keyring: Keyring,
  alg: SigningAlgorithm,
  claims: AccessTokenClaims,
  lifetimeSeconds: number,
  nowMs: number,
): string {
  const iat = Math.floor(nowMs / 1000)
  return signJwt(keyring.signingKey(alg, nowMs), 'at+jwt', {
    ...claims,
    iat,
    exp: iat + lifetimeSeconds,
    jti: randomText(12),
  }) // RFC 9068 §2.1, §2.2
}

export type VerifiedAccessToken = AccessTokenClaims & {
  readonly iat: number
  readonly exp: number
  readonly jti: string
}

/** An access token of a person's session. */
export type SessionAccessToken = VerifiedAccessToken & { readonly sid: string }

export function isOfSession(token: VerifiedAccessToken): token is SessionAccessToken {
  return token.sid !== undefined
}
