/**
 * Scopes (RFC 6749 §3.3): a list of words, and what may be asked of a client's registration.
 *
 * Owns their syntax and the rule that a client gets what it asked for, in that order, or an error; never silently fewer.
 */

/** What a registration may allow in all, and so the most that can be asked for with any hope: a limit on the work. */
export const maxScopeLength = 256
export const maxScopes = 64

/** RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Reads the wire form; an absent scope is an empty list, and a word said twice counts once.
 *
 * @returns undefined when it is malformed, or more than any client has
 */
export function parseScopes(wire: string | undefined): readonly string[] | undefined {
  if (wire === undefined) return []
  const scopes = [...new Set(wire.split(' ').filter((word) => word !== ''))]
  if (scopes.length > maxScopes || scopes.join(' ').length > maxScopeLength) return undefined
  return scopes.every((scope) => scopeToken.test(scope)) ? scopes : undefined
}

/** Of the scopes that were granted those that the client is still registered for, in their order. */
export function registeredScopes(registered: readonly string[], granted: readonly string[]): readonly string[] {
  return granted.filter((scope) => registered.includes(scope))
}

/** Whether each scope asked for is among those allowed. */
export function allowsScopes(allowed: readonly string[], asked: readonly string[]): boolean {
  return asked.every((scope) => allowed.includes(scope))
}
