/** Hashing and comparison of random secrets. */

import { createHash, timingSafeEqual } from 'node:crypto'

/** The hash of a client's secret that the table stores, base64url. The secret is random, so a fast hash is enough. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** Compares in constant time. */
export function isSameSecret(actual: string, expected: string): boolean {
  const [left, right] = [Buffer.from(actual), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}
