/** The keyed hash of an e-mail address, by which ops find a person's sessions. */

import { createHmac } from 'node:crypto'

/** 72 bits, so that the item stays small. The chance of a collision among a million addresses is 1 in 10^10. */
const hashBytes = 9

/**
 * @param application part of the hash, so that hashes of different applications cannot be compared
 * @returns base64url; undefined for a text that is no address
 */
export function emailHash(key: Uint8Array, application: string, email: string): string | undefined {
  const normalised = normalisedEmail(email)
  if (normalised === undefined) return undefined
  const hash = createHmac('sha256', key).update(`email\0${application}\0${normalised}`).digest()
  return hash.subarray(0, hashBytes).toString('base64url')
}

/**
 * One spelling for addresses that people take for the same. RFC 5321 §2.4 allows a case-sensitive local part, but no common host
 * has one. Dots and plus tags stay, because hosts differ in whether they matter.
 */
function normalisedEmail(email: string): string | undefined {
  const normalised = email.trim().normalize('NFC').toLowerCase()
  return /^[^@\s]+@[^@\s]+$/.test(normalised) ? normalised : undefined
}
