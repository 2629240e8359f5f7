/**
 * Which redirect URIs are a client's, and which of them another program could be listening at.
 */

import { isLoopback } from './loopback.ts'
import type { Client } from './registration.ts'

type RedirectClient = Pick<Client, 'auth' | 'redirectUris' | 'consent'>

/**
 * RFC 9700 §2.1: exactly one of the registered ones, character by character. RFC 8252 §7.3: a public client's program listens
 * at whatever port it is given, so at a loopback IP address the port does not count; at `localhost` it does, which may
 * lead elsewhere (§8.3).
 */
export function isRegisteredRedirect({ auth, redirectUris }: RedirectClient, redirectUri: string): boolean {
  if (redirectUris.includes(redirectUri)) return true
  const asked = auth === 'none' ? withoutPort(redirectUri) : undefined
  return asked !== undefined && redirectUris.some((registered) => withoutPort(registered) === asked)
}

/**
 * RFC 8252 §8.6: a public client at a loopback address or a scheme of its own cannot be told from an impostor, so a person
 * says yes first, unless the registration says otherwise.
 */
export function needsConsent({ auth, consent }: RedirectClient, redirectUri: string): boolean {
  if (consent !== undefined) return consent
  const url = new URL(redirectUri)
  return auth === 'none' && (url.protocol !== 'https:' || isLoopback(url))
}

/** @returns undefined for what is no http address of a loopback IP, written as RFC 8252 §7.3 writes it */
function withoutPort(uri: string): string | undefined {
  const [, host, port, rest = ''] =
    /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::([1-9]\d{0,4}))?((?:[/?].*)?)$/.exec(uri) ?? []
  return host === undefined || Number(port ?? 80) > 65_535 ? undefined : host + rest
}
