/**
 * What is kept of a person's claims.
 *
 * Owns how much: a family's item stays under 1 KB, and a refresh at one write unit.
 */

import type { Person } from '../domain/family.ts'

/** OIDC Core §2 */
const longestSub = 255
const mostClaimBytes = 176

/** Whether this can be somebody's `sub`. */
export function isSubject(sub: unknown): sub is string {
  return typeof sub === 'string' && sub !== '' && sub.length <= longestSub && sub.isWellFormed()
}

/**
 * The wanted claims in their order, as far as they are plain and there is room.
 *
 * @param nameThere what the provider calls a claim of ours
 */
export function keptClaims(
  told: Readonly<Record<string, unknown>>,
  wanted: readonly string[],
  nameThere: (claim: string) => string = (claim) => claim,
): Person['claims'] {
  const claims: Record<string, string | boolean> = {}
  let room = mostClaimBytes
  for (const name of wanted) {
    const there = told[nameThere(name)]
    const value = typeof there === 'string' ? there.toWellFormed() : there
    if (typeof value !== 'string' && typeof value !== 'boolean') continue
    const size = name.length + Buffer.byteLength(String(value))
    if (size > room) continue
    room -= size
    claims[name] = value
  }
  return claims
}
