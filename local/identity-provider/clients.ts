/**
 * The clients of the local identity provider: the applications of the broker, with their secrets.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { ClientMetadata } from 'oidc-provider'

/** The broker as a client, for one of its applications. */
export type ProviderClient = {
  readonly clientId: string
  readonly application: string
  /** The provider at which it is registered. @default openid */
  readonly at?: 'openid' | 'directory' | 'tenant'
  readonly auth: 'none' | 'client_secret_basic' | 'client_secret_post'
  /** Not used with `none`. */
  readonly secret: string
  /** The broker's public base URL. @default this machine, at any port */
  readonly publicUrl?: string | undefined
}

/** @param clients several applications may share one client id, each with its own secret */
export function createClients(clients: readonly ProviderClient[]) {
  const sharing = (wanted: string) => clients.filter(({ clientId }) => clientId === wanted)
  return {
    /** RFC 7591 §2 */
    metadata: (clientId: string): ClientMetadata | undefined => metadataOf(sharing(clientId)),
    isSecret: (clientId: string, given: string) => sharing(clientId).some(({ secret }) => isSame(secret, given)),
  }
}

function metadataOf(sharing: readonly ProviderClient[]): ClientMetadata | undefined {
  const [first] = sharing
  if (first === undefined) return undefined
  const { clientId, auth, secret, publicUrl } = first
  return {
    client_id: clientId,
    ...(auth === 'none' ? {} : { client_secret: secret }),
    token_endpoint_auth_method: auth,
    // RFC 8252 §7.3: the loopback redirect of a native client matches at any port, and a local broker may be at any.
    application_type: publicUrl === undefined ? 'native' : 'web',
    redirect_uris: sharing.map(({ application, publicUrl: base = 'http://127.0.0.1' }) => {
      return `${base}/${application}/oauth/callback`
    }),
  }
}

function isSame(one: string, other: string): boolean {
  const [digest, otherDigest] = [one, other].map((text) => createHash('sha256').update(text).digest())
  return digest !== undefined && otherDigest !== undefined && timingSafeEqual(digest, otherDigest)
}
