/** JWTs that others than the broker sign: a client its assertions, and the provider its ID tokens. */

import { type KeyObject, sign } from 'node:crypto'

/** A compact JWS with ES256 (RFC 7515 §7.1). */
export function signed(key: KeyObject, claims: object, kid?: string): string {
  const text = `${encoded({ alg: 'ES256', typ: 'JWT', kid })}.${encoded(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
