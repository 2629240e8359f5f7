/** The header and signature of a platform's token (RFC 7515 §5.2), and the keys of an issuer that may verify it. */

import { compactVerify, decodeProtectedHeader } from 'jose'
import { JOSEError } from 'jose/errors'
import { isStrongPublicKey } from '../domain/public-key.ts'
import type { IssuerJwk } from '../domain/registration.ts'

export type IssuerKey = IssuerJwk

/** Algorithms with public keys only: neither `none` nor a MAC proves who signed (RFC 8725 §3.1). */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'] as const
/** The number of keys that are tried for a token that names none. */
const maxTried = 8
/** RFC 8725 §3.11: an access token, a logout token or a DPoP proof has another type. JWT-SVIDs of SPIFFE may have JOSE. */
const types: readonly unknown[] = [undefined, 'jwt', 'jose']

export type TokenHeader = { readonly alg: string; readonly kid: string | undefined }

/** @returns the header; or what is wrong with it, for the operator's log */
export function headerOf(token: string): TokenHeader | string {
  try {
    const { alg, kid, typ, crit } = decodeProtectedHeader(token) as Readonly<Record<string, unknown>>
    if (!algorithms.some((one) => one === alg)) return 'alg is none of those that are accepted'
    if (!types.includes(typeof typ === 'string' ? typ.toLowerCase() : typ)) return 'typ is not JWT'
    if (crit !== undefined) return 'crit asks for what is not understood' // RFC 7515 §4.1.11
    if (kid !== undefined && typeof kid !== 'string') return 'kid is not a text'
    return { alg: alg as string, kid }
  } catch {
    return 'the token is not a JWT'
  }
}

/** Picks the keys that may verify a token. A set may hold other kinds (RFC 7517 §5). */
export function usableKeys(keys: readonly unknown[]): readonly IssuerKey[] {
  return keys.flatMap((key) => publicPartOf(Object(key)) ?? [])
}

function publicPartOf(jwk: Readonly<Record<string, unknown>>): IssuerKey | undefined {
  const { kty, crv, x, y, n, e, kid, alg, use } = jwk
  if (use !== undefined && use !== 'sig') return undefined
  // The algorithm of an Ed25519 key has two names, and jose compares only one.
  const named = {
    ...(typeof kid === 'string' && { kid }),
    ...(typeof alg === 'string' && kty !== 'OKP' && { alg }),
  }
  const material = kty === 'RSA' ? { n, e } : kty === 'EC' ? { crv, x, y } : { crv, x }
  const key = { kty, ...material, ...named } as IssuerKey
  return isUsable(key) ? key : undefined
}

/** Whether it is a strong key for one of the algorithms. */
function isUsable(key: IssuerKey): boolean {
  const isKind =
    key.kty === 'RSA' ||
    (key.kty === 'EC' && ['P-256', 'P-384'].includes(key.crv)) ||
    (key.kty === 'OKP' && key.crv === 'Ed25519')
  return isKind && isStrongPublicKey(key)
}

/** The keys that may have signed a token with this header. */
export function candidates(keys: readonly IssuerKey[], { alg, kid }: TokenHeader): readonly IssuerKey[] {
  return keys
    .filter((key) => (kid === undefined || key.kid === undefined || key.kid === kid) && fits(key, alg))
    .slice(0, maxTried)
}

/** RFC 8725 §3.1: the algorithm has to be that of the type of key, and the one that the key names, if any. */
function fits(key: IssuerKey, alg: string): boolean {
  if (key.alg !== undefined && key.alg !== alg) return false
  switch (key.kty) {
    case 'EC':
      return alg === (key.crv === 'P-256' ? 'ES256' : 'ES384')
    case 'OKP':
      return alg === 'EdDSA' || alg === 'Ed25519' // RFC 9864 §2.2: two names of one
    case 'RSA':
      return alg.startsWith('RS') || alg === 'PS256'
  }
}

/** Whether the token verifies with one of the keys. Keys in its header, or at addresses there, are ignored. */
export async function isSignedBy(token: string, keys: readonly IssuerKey[]): Promise<boolean> {
  for (const key of keys) {
    try {
      await compactVerify(token, key, { algorithms: [...algorithms] })
      return true
    } catch (error) {
      // jose throws a TypeError for a key that is not what it says.
      if (!(error instanceof JOSEError || error instanceof TypeError)) throw error
    }
  }
  return false
}
