/**
 * The keyed hash that a session is found by when only the person's e-mail address is known.
 *
 * Pure; the key is handed in.
 */

import { createHmac } from 'node:crypto'

/** 72 bits: that any two of a million addresses meet has a chance of 1 in 10^10. It is kept short for the item’s sake. */
const hashBytes = 9

/**
 * @param application addresses are not comparable between applications
 * @returns base64url; undefined for what is no address
 */
export function emailHash(key: Uint8Array, application: string, email: string): string | undefined {
  const normalised = normalisedEmail(email)
  if (normalised === undefined) return undefined
  const hash = createHmac('sha256', key).update(`email\0${application}\0${normalised}`).digest()
  return hash.subarray(0, hashBytes).toString('base64url')
}

/**
 * One spelling for what people take for the same address. RFC 5321 §2.4 lets a host tell the case of the local part apart;
 * none that people use does. Dots and plus tags stay, for whether they matter differs from host to host.
 */
function normalisedEmail(email: string): string | undefined {
  const normalised = email.trim().normalize('NFC').toLowerCase()
  return /^[^@\s]+@[^@\s]+$/.test(normalised) ? normalised : undefined
}
