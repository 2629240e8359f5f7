/** Secrets that the broker drew itself: how they are stored, and how they are compared. */

import { createHash, timingSafeEqual } from 'node:crypto'

/** What the table keeps of a client's secret. The secret is random, so a fast hash is enough. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** Compares in constant time, so that the time an answer takes does not tell how much of a guess was right. */
export function isSameSecret(actual: string, expected: string): boolean {
  const [left, right] = [Buffer.from(actual), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}
