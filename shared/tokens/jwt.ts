/**
 * A JWT of ours, signed with ES256 or RS256: JWS in its compact form (RFC 7515 §7.1).
 *
 * Owns how one is written; the claims are the callers'. What somebody sends us is verified by jose (access-token.ts).
 * Signed by node:crypto on this thread: WebCrypto's way through the thread pool takes longer than an ES256 signature does,
 * and a Lambda serves one request at a time, so there is nothing that the thread could do meanwhile.
 */

import { sign } from 'node:crypto'
import type { SigningKey } from './keyring.ts'

export function signJwt({ key, kid, alg }: SigningKey, typ: 'at+jwt' | 'JWT', claims: object): string {
  const signed = `${encode({ typ, alg, kid })}.${encode(claims)}`
  // RFC 7518 §3.4: the two numbers of an ECDSA signature side by side, not in DER. RSA has but one (§3.3).
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
