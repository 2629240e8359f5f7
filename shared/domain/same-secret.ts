/**
 * Compares secrets in constant time, so that an answer's duration tells nothing of how much of a guess was right.
 */

import { timingSafeEqual } from 'node:crypto'

export function isSameSecret(credential: string, expected: string): boolean {
  const [left, right] = [Buffer.from(credential), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}
