/**
 * The people of the user directory: whoever gives a user name is that person.
 *
 * Owns what is told about them. Must not know how they sign in.
 */

import { createHash } from 'node:crypto'

/** A UUID of version 4 by its form (RFC 9562 §5.4), the same for a name on every machine. */
export function subjectOf(userName: string): string {
  const bytes = createHash('sha256').update(`user directory\0${userName}`).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

export function profileOf(userName: string) {
  const sub = subjectOf(userName)
  return { id: sub, name: userName, sub, username: userName }
}
