/**
 * The source of CSP `form-action` for a form's target.
 *
 * Chrome checks every redirect after a form against it, and silently blocks one that does not match. A site may redirect to
 * hosts that we do not know, such as a corporate login, so any https host is allowed (docs/decisions/0019).
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
