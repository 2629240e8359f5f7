/**
 * Audiences: the APIs that an access token is for (RFC 7519 §4.1.3, RFC 8707).
 *
 * A session stores each audience normalised. A token names it as the client's registration spells it.
 */

/** Per session. A refresh's condition names each audience, and the session's item must stay small. */
export const maxAudiences = 8
/** Per client. A refresh's condition names each audience (docs/decisions/0034-resource-indicators.md). */
export const maxClientAudiences = 16

/** RFC 3986 §6.2.3: after an authority, an empty path and `/` are equal. Everything else is compared exactly. */
export function normalisedAudience(audience: string): string {
  const [, origin, query = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]+)\/(\?[^#]*)?$/i.exec(audience) ?? []
  return origin === undefined ? audience : origin + query
}

/** RFC 8707 §2: an absolute URI without a fragment. */
export function isResource(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[^\s#]+$/i.test(text) && URL.canParse(text)
}

/** The audiences as the client's registration spells them, without those that are not registered. */
export function registeredAudiences(registered: readonly string[], audiences: readonly string[]): readonly string[] {
  return audiences.flatMap((audience) => {
    const normalised = normalisedAudience(audience)
    return registered.find((candidate) => normalisedAudience(candidate) === normalised) ?? []
  })
}

/** The `aud` claim (RFC 7519 §4.1.3): a string for one, a list for several. */
export function audClaim(audiences: readonly string[]): string | readonly string[] {
  return audiences.length === 1 ? audiences[0]! : audiences
}
