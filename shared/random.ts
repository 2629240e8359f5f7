/**
 * Random text for ids and salts.
 *
 * Owns the supply of random bytes, which is drawn from the platform's CSPRNG in bulk: asking it costs the same for one id as
 * for sixty. No byte is given out twice, and none is kept once it is. Must not know what an id is for.
 */

import { randomFillSync } from 'node:crypto'

const supply = Buffer.alloc(1024)
let used = supply.length

/**
 * @returns this many random bytes, base64url
 * @throws {RangeError} for more than the supply has: fewer would be a secret that is shorter than its owner believes
 */
export function randomText(bytes: number): string {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > supply.length) throw new RangeError('No such number of bytes.')
  if (used + bytes > supply.length) {
    randomFillSync(supply)
    used = 0
  }
  const drawn = supply.subarray(used, used + bytes)
  used += bytes
  const text = drawn.toString('base64url')
  drawn.fill(0)
  return text
}

/** 128 random bits, base64url: sids, salts, write ids. */
export function randomId(): string {
  return randomText(16)
}
