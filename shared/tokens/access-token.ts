/**
 * Access tokens of ours: JWTs by RFC 9068.
 *
 * Owns their claims. Must not know families beyond what is handed in; whether the session still stands is asked by
 * those who care (userinfo, introspection), for the token itself cannot be called back.
 */

import type { SigningAlgorithm } from '../domain/registration.ts'
import { randomText } from '../random.ts'
import { signJwt } from './jwt.ts'
import type { Keyring } from './keyring.ts'

export type AccessTokenClaims = {
  readonly iss: string
  /** Who signed in; or the client itself, where it acts for nobody else (RFC 9068 §2.2). */
  readonly sub: string
  /** RFC 7519 §4.1.3: a string, or a list of several. */
  readonly aud: string | readonly string[]
  readonly client_id: string
  /** The session. Absent, and `sub` is `client_id`: there is none, for nobody signed in. */
  readonly sid?: string
  /** Space-separated; absent when nothing was granted. */
  readonly scope?: string
}

/** @param nowMs from the injected clock */
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

/** Of a person's session. */
export type SessionAccessToken = VerifiedAccessToken & { readonly sid: string }

export function isOfSession(token: VerifiedAccessToken): token is SessionAccessToken {
  return token.sid !== undefined
}
