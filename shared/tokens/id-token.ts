/** The broker's ID tokens (OIDC Core §2). The caller chooses the person's claims (OIDC Core §5.4). */

import type { SigningAlgorithm } from '../domain/registration.ts'
import { signJwt } from './jwt.ts'
import type { Keyring } from './keyring.ts'

/** A client verifies it once, on receipt. */
const idTokenSeconds = 3600

export type IdTokenClaims = {
  readonly iss: string
  readonly sub: string
  /** The client's id. */
  readonly aud: string
  readonly sid: string
  readonly auth_time?: number | undefined
  readonly acr?: string | undefined
  readonly nonce?: string | undefined
} & Readonly<Record<string, string | number | boolean | undefined>>

/** Signs an ID token with the algorithm of the client's registration. */
export function signIdToken(keyring: Keyring, alg: SigningAlgorithm, claims: IdTokenClaims, nowMs: number): string {
  const iat = Math.floor(nowMs / 1000)
  return signJwt(keyring.signingKey(alg, nowMs), 'JWT', { ...claims, iat, exp: iat + idTokenSeconds })
}
