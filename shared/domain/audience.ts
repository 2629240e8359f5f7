/**
 * Audiences: the APIs that an access token is for (RFC 7519 §4.1.3, RFC 8707).
 *
 * Owns how two of them are compared, and their limits. Pure. A session keeps each audience in its compared form; a token
 * names it as the client's registration spells it.
 */

/** Of one session: the condition of a refresh names each of them, and the session's item has to stay small. */
export const maxAudiences = 8
/** Of one client: the condition of a refresh names each of them (docs/decisions/0034-resource-indicators.md). */
export const maxClientAudiences = 16

/** RFC 3986 §6.2.3: with an authority, an empty path and `/` are the same. Nothing else is taken for equal. */
export function normalisedAudience(audience: string): string {
  const [, origin, query = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]+)\/(\?[^#]*)?$/i.exec(audience) ?? []
  return origin === undefined ? audience : origin + query
}

/** RFC 8707 §2: an absolute URI without a fragment. */
export function isResource(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[^\s#]+$/i.test(text) && URL.canParse(text)
}

/** The audiences as their client's registration spells them; those that are not registered are left out. */
export function registeredAudiences(registered: readonly string[], audiences: readonly string[]): readonly string[] {
  return audiences.flatMap((audience) => {
    const compared = normalisedAudience(audience)
    return registered.find((candidate) => normalisedAudience(candidate) === compared) ?? []
  })
}

/** The `aud` claim (RFC 7519 §4.1.3): a string for one, a list for several. */
export function audClaim(audiences: readonly string[]): string | readonly string[] {
  return audiences.length === 1 ? audiences[0]! : audiences
}
