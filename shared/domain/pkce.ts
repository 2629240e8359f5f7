/** Proof Key for Code Exchange (RFC 7636), S256 only: `plain` does not protect against a stolen authorization request. */

import { createHash } from 'node:crypto'

/** RFC 7636 §4.1: 43 to 128 unreserved characters. */
export function isCodeVerifier(text: string): boolean {
  return /^[A-Za-z0-9\-._~]{43,128}$/.test(text)
}

/** RFC 7636 §4.2: base64url of a SHA-256, so 43 characters. */
export function isCodeChallenge(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

/** RFC 7636 §4.2, S256. */
export function s256(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier, 'ascii').digest('base64url')
}
