import { randomBytes } from 'node:crypto'

/** @returns this many random bytes, base64url */
export function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

/** 128 random bits, base64url: sids, salts, write ids. */
export function randomId(): string {
  return randomText(16)
}
