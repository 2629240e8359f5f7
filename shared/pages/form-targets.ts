/**
 * Where a page's form may lead, as a source of CSP `form-action`.
 *
 * Chrome holds each redirect of the chain that follows a form against it, and does nothing at all where one does not fit. A
 * site may hand the person on to hosts that nobody told us of, a corporate login for example, so with TLS any host will
 * do (docs/decisions/0019).
 */

import { originSource } from './page.ts'

/** @throws TypeError for an address that no policy can name */
export function formTarget(address: string): string {
  const { protocol, hostname } = new URL(address)
  if (protocol === 'https:') return protocol
  // A policy has no way to name an IPv6 address.
  if (protocol === 'http:') return hostname.startsWith('[') ? protocol : originSource(address)
  if (!/^[a-z][a-z0-9+.-]*:$/.test(protocol)) throw new TypeError('not a scheme that a policy can name')
  return protocol
}
