/**
 * Which claims of a person a client is told (OIDC Core §5.4): those that its scopes release.
 *
 * Pure. Must not know where they are told: userinfo, or the ID token of a client that is registered so.
 */

import type { Person } from './family.ts'
import type { Application } from './registration.ts'

/** @param claims all that is kept of the person */
export function releasedClaims(
  { userinfo }: Pick<Application, 'userinfo'>,
  scopes: readonly string[],
  claims: Person['claims'],
): Person['claims'] {
  const released = scopes.flatMap((scope) => userinfo.claims[scope] ?? [])
  return Object.fromEntries(released.flatMap((name) => (Object.hasOwn(claims, name) ? [[name, claims[name]!]] : [])))
}
