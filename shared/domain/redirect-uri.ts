/** Checks a redirect URI against the client's registration, and whether another program could receive it. */

import { isLoopback } from './loopback.ts'
import type { Client } from './registration.ts'

type RedirectClient = Pick<Client, 'auth' | 'redirectUris' | 'consent'>

/**
 * RFC 9700 §2.1: the URI equals a registered one, character by character. RFC 8252 §7.3: for a public client, the port of a
 * loopback IP address does not count. The port of `localhost` does, because that name may resolve elsewhere (§8.3).
 */
export function isRegisteredRedirect({ auth, redirectUris }: RedirectClient, redirectUri: string): boolean {
  if (redirectUris.includes(redirectUri)) return true
  const portless = auth === 'none' ? withoutPort(redirectUri) : undefined
  return portless !== undefined && redirectUris.some((registered) => withoutPort(registered) === portless)
}

/**
 * RFC 8252 §8.6: an impostor can claim a loopback address or a private-use scheme. So the person must consent to a public client
 * there, unless the registration says otherwise.
 */
export function needsConsent({ auth, consent }: RedirectClient, redirectUri: string): boolean {
  if (consent !== undefined) return consent
  const url = new URL(redirectUri)
  return auth === 'none' && (url.protocol !== 'https:' || isLoopback(url))
}

/** @returns undefined for any URI but an http one with a loopback IP address in the spelling of RFC 8252 §7.3 */
function withoutPort(uri: string): string | undefined {
  const [, host, port, rest = ''] =
    /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::([1-9]\d{0,4}))?((?:[/?].*)?)$/.exec(uri) ?? []
  return host === undefined || Number(port ?? 80) > 65_535 ? undefined : host + rest
}
