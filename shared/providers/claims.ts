/**
 * Which of a person's claims are kept, and how many: a family's item stays under 1 KB, and a refresh at one write unit.
 */

import type { Person } from '../domain/family.ts'

/** OIDC Core §2 */
const maxSubLength = 255
const maxClaimBytes = 176

/** Whether it can be a `sub`. */
export function isSubject(sub: unknown): sub is string {
  return typeof sub === 'string' && sub !== '' && sub.length <= maxSubLength && sub.isWellFormed()
}

/**
 * The wanted claims in their order, if they are strings, booleans or numbers and there is room.
 *
 * @param nameThere the provider's name of a claim
 */
export function keptClaims(
  told: Readonly<Record<string, unknown>>,
  wanted: readonly string[],
  nameThere: (claim: string) => string = (claim) => claim,
): Person['claims'] {
  const claims: Record<string, string | boolean | number> = {}
  let room = maxClaimBytes
  for (const name of wanted) {
    const there = told[nameThere(name)]
    const value = typeof there === 'string' ? there.toWellFormed() : there
    if (typeof value !== 'string' && typeof value !== 'boolean' && !isStorable(value)) continue
    const size = name.length + Buffer.byteLength(String(value))
    if (size > room) continue
    room -= size
    claims[name] = value
  }
  return claims
}

/** The table holds numbers exactly, but neither very large nor very small ones. Those with an exponent are no times or counts. */
function isStorable(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER && !String(value).includes('e')
}
