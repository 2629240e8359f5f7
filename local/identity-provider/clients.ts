/**
 * The clients of the local identity provider: the applications of every broker that uses it.
 *
 * Owns who they are and their secrets. Must not know how they got here.
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
}

export type ProviderClients = {
  add(clients: readonly ProviderClient[]): void
  /** Metadata (RFC 7591 §2). */
  metadata(clientId: string): Json | undefined
  /** Of any port; none for a client that nobody knows. */
  redirectUris(clientId: string): readonly string[]
  isSecret(clientId: string, presented: string): boolean
}

/** @param grantTypes what all of them may do */
export function createClients(grantTypes = ['authorization_code', 'refresh_token']): ProviderClients {
  const known = new Map<string, Map<string, ProviderClient>>()
  return {
    // Brokers with data directories of their own have secrets of their own, for the same client: each stays good.
    add: (clients) => {
      for (const client of clients) {
        known.set(client.clientId, new Map([...(known.get(client.clientId) ?? []), [keyOf(client), client]]))
      }
    },
    metadata: (clientId) => {
      const variants = [...(known.get(clientId)?.values() ?? [])]
      return variants[0] === undefined ? undefined : metadataOf(variants[0], variants, grantTypes)
    },
    redirectUris: (clientId) => redirectUrisOf([...(known.get(clientId)?.values() ?? [])]),
    isSecret: (clientId, presented) =>
      [...(known.get(clientId)?.values() ?? [])].some(({ secret }) => isSame(secret, presented)),
  }
}

const keyOf = ({ application, secret }: ProviderClient) => `${application} ${secret}`

/** RFC 8252 §7.3: a native application's loopback redirect may come back at any port, and so may a local broker. */
function redirectUrisOf(variants: readonly ProviderClient[]): string[] {
  const applications = new Set(variants.map(({ application }) => application))
  return [...applications].map((name) => `http://127.0.0.1/${name}/oauth/callback`)
}

function metadataOf(
  { clientId, auth, secret }: ProviderClient,
  variants: readonly ProviderClient[],
  grantTypes: readonly string[],
): Json {
  return {
    client_id: clientId,
    ...(auth === 'none' ? {} : { client_secret: secret }),
    token_endpoint_auth_method: auth,
    application_type: 'native',
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
