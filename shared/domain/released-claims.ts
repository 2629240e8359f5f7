/** The claims that a client's scopes release (OIDC Core §5.4), for userinfo and ID tokens. */

import type { Person } from './family.ts'
import type { Application } from './registration.ts'

/** @param claims all stored claims of the person */
export function releasedClaims(
  { userinfo }: Pick<Application, 'userinfo'>,
  scopes: readonly string[],
  claims: Person['claims'],
): Person['claims'] {
  const released = scopes.flatMap((scope) => userinfo.claims[scope] ?? [])
  return Object.fromEntries(released.flatMap((name) => (Object.hasOwn(claims, name) ? [[name, claims[name]!]] : [])))
}
