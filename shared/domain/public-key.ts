/** Whether a key is fit to verify signatures of a client or an issuer. */

import { createPublicKey } from 'node:crypto'
import type { IssuerJwk, PublicJwk } from './registration.ts'

/** Whether it is a valid public key, on its curve, and strong enough (RFC 7518 §3.3: RSA of 2048 bits). */
export function isStrongPublicKey(jwk: PublicJwk | IssuerJwk): boolean {
  try {
    const { asymmetricKeyDetails = {} } = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const { modulusLength = 2048, publicExponent = 3n } = asymmetricKeyDetails
    // RFC 8017 §3.1: the exponent is odd and at least 3. With 1 every message is its own signature.
    return modulusLength >= 2048 && publicExponent >= 3n && publicExponent % 2n === 1n
  } catch {
    return false
  }
}
