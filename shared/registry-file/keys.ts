/** The schema of a client's public keys: JSON Web Keys (RFC 7517). */

import * as v from 'valibot'
import { isStrongPublicKey } from '../domain/public-key.ts'
import { text } from './values.ts'

const octets = v.pipe(v.string(), v.regex(/^[\w-]{1,1400}$/, 'must be base64url'))
const weak = 'is not a public key, or has less than 2048 bits, or an exponent that is even or 1'
const isPrivate = v.optional(v.never('is private: only the public key belongs here'))

/** RFC 7517 §4: other members are ignored. */
const jwkMembers = {
  kid: v.optional(text(128)),
  use: v.optional(v.literal('sig')),
  d: isPrivate,
  p: isPrivate,
  q: isPrivate,
  dp: isPrivate,
  dq: isPrivate,
  qi: isPrivate,
  oth: isPrivate,
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
  v.check((jwk) => isStrongPublicKey(jwk), weak),
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
  v.check((jwk) => isStrongPublicKey(jwk), weak),
)
