/** The schema of a client's public keys: JSON Web Keys (RFC 7517). */

import { createPublicKey } from 'node:crypto'
import * as v from 'valibot'
import type { IssuerJwk, PublicJwk } from '../domain/registration.ts'
import { text } from './values.ts'

const octets = v.pipe(v.string(), v.regex(/^[\w-]{1,1400}$/, 'must be base64url'))
const isPrivate = v.optional(v.never('is private: only the public key belongs here'))

/** RFC 7517 §4: other members are ignored. */
const jwkMembers = {
  kid: v.optional(text(128)),
  use: v.optional(v.literal('sig')),
  ...{ d: isPrivate, p: isPrivate, q: isPrivate, dp: isPrivate, dq: isPrivate, qi: isPrivate, oth: isPrivate },
  k: isPrivate,
}

export const jwkSchema = v.pipe(
  v.variant(
    'kty',
    [
      v.object({ kty: v.literal('EC'), crv: v.literal('P-256'), x: octets, y: octets, ...jwkMembers }),
      v.object({ kty: v.literal('OKP'), crv: v.literal('Ed25519'), x: octets, ...jwkMembers }),
      v.object({
        kty: v.literal('RSA'),
        n: octets,
        e: octets,
        alg: v.optional(v.picklist(['RS256', 'PS256'])),
        ...jwkMembers,
      }),
    ],
    (issue) => (issue.received === 'undefined' ? 'is missing' : 'must be "EC", "OKP" or "RSA", of a public key'),
  ),
  v.check((jwk) => isPublicKey(jwk), 'is not a public key, or has less than 2048 bits'),
)

/** The keys of an issuer of workload identities, which may be of more kinds than a client's own. */
export const issuerJwkSchema = v.pipe(
  v.variant(
    'kty',
    [
      v.object({ kty: v.literal('EC'), crv: v.picklist(['P-256', 'P-384']), x: octets, y: octets, ...jwkMembers }),
      v.object({ kty: v.literal('OKP'), crv: v.literal('Ed25519'), x: octets, ...jwkMembers }),
      v.object({
        kty: v.literal('RSA'),
        n: octets,
        e: octets,
        alg: v.optional(v.picklist(['RS256', 'RS384', 'RS512', 'PS256'])),
        ...jwkMembers,
      }),
    ],
    (issue) => (issue.received === 'undefined' ? 'is missing' : 'must be "EC", "OKP" or "RSA", of a public key'),
  ),
  v.check((jwk) => isPublicKey(jwk), 'is not a public key, or has less than 2048 bits'),
)

/** Whether the key is valid, on its curve, and long enough (RFC 7518 §3.3). */
function isPublicKey(jwk: PublicJwk | IssuerJwk): boolean {
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    return (asymmetricKeyDetails?.modulusLength ?? 2048) >= 2048
  } catch {
    return false
  }
}
