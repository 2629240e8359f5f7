/** The signature of a platform's token (RFC 7515 §5.2), and which of its issuer's keys may have made it. */

import { createPublicKey } from 'node:crypto'
import { compactVerify, decodeProtectedHeader } from 'jose'
import { JOSEError } from 'jose/errors'
import type { IssuerJwk } from '../domain/registration.ts'

export type IssuerKey = IssuerJwk

/** Those of key pairs alone: `none`, or a MAC with a key that anyone can read, proves nothing (RFC 8725 §3.1). */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'] as const
/** A token that names no key may be of any of them. So many are tried. */
const maxTried = 8
/** RFC 8725 §3.11: an access token, a logout token or a DPoP proof says so, and is none. SPIFFE's JWT-SVIDs may be JOSE. */
const types: readonly unknown[] = [undefined, 'jwt', 'jose']

export type TokenHeader = { readonly alg: string; readonly kid: string | undefined }

/** @returns the header, or for the operator's log what is wrong with it */
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

/** Of a set of keys those that a token may be signed with. Other kinds may stand there (RFC 7517 §5), and are left out. */
export function usableKeys(keys: readonly unknown[]): readonly IssuerKey[] {
  return keys.flatMap((key) => publicPartOf(Object(key)) ?? [])
}

function publicPartOf(jwk: Readonly<Record<string, unknown>>): IssuerKey | undefined {
  const { kty, crv, x, y, n, e, kid, alg, use } = jwk
  if (use !== undefined && use !== 'sig') return undefined
  // Of an Ed25519 key the algorithm has two names, and jose compares one.
  const named = {
    ...(typeof kid === 'string' && { kid }),
    ...(typeof alg === 'string' && kty !== 'OKP' && { alg }),
  }
  const material = kty === 'RSA' ? { n, e } : kty === 'EC' ? { crv, x, y } : { crv, x }
  const key = { kty, ...material, ...named } as IssuerKey
  return isStrong(key) ? key : undefined
}

/** Whether it is a public key of a kind that has an algorithm here, and long enough (RFC 7518 §3.3). */
function isStrong(key: IssuerKey): boolean {
  const isKind =
    key.kty === 'RSA' ||
    (key.kty === 'EC' && ['P-256', 'P-384'].includes(key.crv)) ||
    (key.kty === 'OKP' && key.crv === 'Ed25519')
  if (!isKind) return false
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: { ...key }, format: 'jwk' })
    return (asymmetricKeyDetails?.modulusLength ?? 2048) >= 2048
  } catch {
    return false
  }
}

/** The keys that may have signed a token with this header. */
export function candidates(keys: readonly IssuerKey[], { alg, kid }: TokenHeader): readonly IssuerKey[] {
  return keys
    .filter((key) => (kid === undefined || key.kid === undefined || key.kid === kid) && fits(key, alg))
    .slice(0, maxTried)
}

/** RFC 8725 §3.1: an algorithm belongs to a kind of key, and to the one that the key names if it names one. */
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

/** Whether one of the keys has signed the token. Keys that a token brings along or points to are not looked at. */
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
