/**
 * The short code a person types (RFC 8628 §6.1): eight letters without vowels, so that it spells nothing and 0/O and 1/I
 * cannot be mixed up; 20^8 = 2.6e10 of them.
 *
 * Owns its alphabet, how it is shown and forgiven, and how it leads to its family. The code itself is kept nowhere: the
 * family's sid is derived from it with a key, so the page finds by one read the item that the poll moves.
 */

import { createHmac, randomInt } from 'node:crypto'
import type { MacKey } from './credential.ts'

export const userCodeAlphabet = 'BCDFGHJKLMNPQRSTVWXZ'
const letters = 8
/** How long a user code, and the device code that it belongs to, may be used (RFC 8628 §3.2, `expires_in`). */
export const deviceCodeSeconds = 900
const canonical = new RegExp(`^[${userCodeAlphabet}]{${letters}}$`)

/** Draws a code from the platform's CSPRNG, in its canonical form: `BCDFGHJK`. */
export function drawUserCode(): string {
  return Array.from({ length: letters }, () => userCodeAlphabet[randomInt(userCodeAlphabet.length)]).join('')
}

/** As people see it: `BCDF-GHJK`. */
export function showUserCode(userCode: string): string {
  return `${userCode.slice(0, 4)}-${userCode.slice(4)}`
}

/**
 * What a person typed, with case, dashes, dots and spaces forgiven.
 *
 * @returns undefined when it cannot be a user code
 */
export function readUserCode(typed: string): string | undefined {
  // No code is this long whatever is forgiven, and an endless one is not worth reading.
  if (typed.length > 64) return undefined
  const userCode = typed.replace(/[\s.\-\u2010-\u2015_]/g, '').toUpperCase()
  return canonical.test(userCode) ? userCode : undefined
}

/** The sid of the family that this user code leads to, base64url of 16 bytes. */
export function sidOfUserCode(application: string, userCode: string, macKey: MacKey): string {
  return createHmac('sha256', macKey.key)
    .update(`user-code\0${application}\0${userCode}`)
    .digest()
    .subarray(0, 16)
    .toString('base64url')
}
