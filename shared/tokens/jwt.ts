/**
 * Signs the broker's JWTs with ES256 or RS256, as compact JWS (RFC 7515 §7.1).
 *
 * It uses node:crypto synchronously: WebCrypto's way through the thread pool takes longer than an ES256 signature, and a Lambda
 * has no other request to serve meanwhile.
 */

import { sign } from 'node:crypto'
import type { SigningKey } from './keyring.ts'

export function signJwt({ key, kid, alg }: SigningKey, typ: 'at+jwt' | 'JWT', claims: object): string {
  const signed = `${encode({ typ, alg, kid })}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(signed), key)
  return `${signed}.${(alg === 'ES256' ? sideBySide(signature) : signature).toString('base64url')}`
}

/**
 * RFC 7518 §3.4: R and S of an ECDSA signature, 32 bytes each. In DER, each follows its length, without leading zeros or with one
 * for the sign. (`dsaEncoding` would convert too, but takes longer than the signature itself.)
 */
function sideBySide(der: Buffer): Buffer {
  const lengthOfR = der[3]!
  const [r, s] = [der.subarray(4, 4 + lengthOfR), der.subarray(4 + lengthOfR + 2)]
  return Buffer.concat([r, s].map((number) => Buffer.concat([Buffer.alloc(32), number]).subarray(-32)))
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
