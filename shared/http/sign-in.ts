/**
 * What a sign-in at the provider is asked for.
 *
 * Owns which claims. Must not know the ways to sign in.
 */

import type { Application } from '../domain/registration.ts'

/** Names of the claims that userinfo may tell, `sub` apart. */
export function wantedClaims({ userinfo }: Application): readonly string[] {
  return [...new Set(Object.values(userinfo.claims).flat())]
}
