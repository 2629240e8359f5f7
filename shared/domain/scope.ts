/** Scopes (RFC 6749 §3.3). A client gets every scope that it requests, or an error; never silently fewer. */

/** No registration allows more, so a longer request is refused without further work. */
export const maxScopeLength = 256
export const maxScopes = 64

/** RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Parses the `scope` parameter. Absent is an empty list, and duplicates count once.
 *
 * @returns undefined if it is malformed or longer than any registration allows
 */
export function parseScopes(wire: string | undefined): readonly string[] | undefined {
  if (wire === undefined) return []
  const scopes = [...new Set(wire.split(' ').filter((word) => word !== ''))]
  if (scopes.length > maxScopes || scopes.join(' ').length > maxScopeLength) return undefined
  return scopes.every((scope) => scopeToken.test(scope)) ? scopes : undefined
}

/** The granted scopes that the client is still registered for, in the order of the grant. */
export function registeredScopes(registered: readonly string[], granted: readonly string[]): readonly string[] {
  return granted.filter((scope) => registered.includes(scope))
}

/** Whether every requested scope is allowed. */
export function allowsScopes(allowed: readonly string[], requested: readonly string[]): boolean {
  return requested.every((scope) => allowed.includes(scope))
}
