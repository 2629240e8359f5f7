/** When the access tokens of a client's sessions have all expired. Resource servers that verify them alone accept them until then. */

import type { Client } from './registration.ts'

type Lifetimes = Pick<Client, 'accessTokenSeconds' | 'longerTokensUntil'>

/** @param lastIssuedAt when the last one may have been issued, ms */
export function accessTokensUntil({ accessTokenSeconds, longerTokensUntil = 0 }: Lifetimes, lastIssuedAt: number) {
  return Math.max(lastIssuedAt + accessTokenSeconds * 1000, longerTokensUntil)
}

/**
 * The client's `longerTokensUntil` after a change of its lifetime. A session does not hold the lifetimes of its access tokens, so
 * the client does.
 *
 * @param lastIssuedAt when a warm function may issue the last one with the former lifetime, ms
 * @returns undefined: it stays as it is
 */
export function longerTokensAfter(before: Lifetimes, accessTokenSeconds: number, lastIssuedAt: number) {
  return before.accessTokenSeconds > accessTokenSeconds ? accessTokensUntil(before, lastIssuedAt) : undefined
}
