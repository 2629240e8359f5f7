/**
 * The clients of the local identity provider: the applications of the broker, with their secrets.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Json } from 'oidc-provider'

/** The broker, in the name of one of its applications. */
export type ProviderClient = {
  readonly clientId: string
  readonly application: string
  /** Where it signs people in: at the OpenID Connect provider, or at one of those beside it. @default openid */
  readonly at?: 'openid' | 'directory' | 'tenant'
  readonly auth: 'none' | 'client_secret_basic' | 'client_secret_post'
  /** Not used with `none`. */
  readonly secret: string
  /** The broker's public base URL. @default this machine, at any port */
  readonly publicUrl?: string | undefined
}

export type ProviderClients = {
  /** Metadata (RFC 7591 §2). */
  metadata(clientId: string): Json | undefined
  /** A redirect URI without a port matches any port. Empty for an unknown client. */
  redirectUris(clientId: string): readonly string[]
  isSecret(clientId: string, presented: string): boolean
}

/**
 * @param clients several applications may be one client
 * @param grantTypes what all of them may do
 */
export function createClients(
  clients: readonly ProviderClient[],
  grantTypes = ['authorization_code', 'refresh_token'],
): ProviderClients {
  const variantsOf = (wanted: string) => clients.filter(({ clientId }) => clientId === wanted)
  return {
    metadata: (clientId) => {
      const variants = variantsOf(clientId)
      return variants[0] === undefined ? undefined : metadataOf(variants[0], variants, grantTypes)
    },
    redirectUris: (clientId) => redirectUrisOf(variantsOf(clientId)),
    isSecret: (clientId, presented) => variantsOf(clientId).some(({ secret }) => isSame(secret, presented)),
  }
}

/** RFC 8252 §7.3: a native application's loopback redirect may come back at any port, and so may a local broker. */
function redirectUrisOf(variants: readonly ProviderClient[]): string[] {
  return variants.map(({ application, publicUrl = 'http://127.0.0.1' }) => `${publicUrl}/${application}/oauth/callback`)
}

function metadataOf(
  { clientId, auth, secret, publicUrl }: ProviderClient,
  variants: readonly ProviderClient[],
  grantTypes: readonly string[],
): Json {
  return {
    client_id: clientId,
    ...(auth === 'none' ? {} : { client_secret: secret }),
    token_endpoint_auth_method: auth,
    application_type: publicUrl === undefined ? 'native' : 'web',
    redirect_uris: redirectUrisOf(variants),
    grant_types: grantTypes,
    response_types: ['code'],
    require_auth_time: true,
  }
}

function isSame(one: string, other: string): boolean {
  const [digest, otherDigest] = [one, other].map((text) => createHash('sha256').update(text).digest())
  return digest !== undefined && otherDigest !== undefined && timingSafeEqual(digest, otherDigest)
}
