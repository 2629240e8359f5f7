/**
 * A stand-in for a tenant of Auth0: an OpenID Connect provider (the package `oidc-provider`, as next door) with Auth0's
 * endpoints, issuer, device flow, audiences, statuses and rotating refresh tokens. Any user name and password will do.
 *
 * Owns where it is mounted. Must not know the broker, which talks to it as to any other provider. It imitates what Auth0
 * documents and is not Auth0: requests are forms alone, any absolute URI is an API, there are no organizations, rules or
 * logs, and sign-ins are as generous as next door.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import Provider from 'oidc-provider'
import type { ProviderClients } from '../identity-provider/clients.ts'
import { interact, interactionPath } from '../identity-provider/interaction.ts'
import type { Store } from '../identity-provider/store.ts'
import { loopback } from '../ports.ts'
import { addManners } from './manners.ts'
import { deviceGrant, openSettings } from './settings.ts'
import { createUserinfo } from './userinfo.ts'

/** Every path of it begins so, and its issuer ends so. */
export const tenantPath = '/tenant/'

export const tenantGrants = ['authorization_code', 'refresh_token', deviceGrant]

export type TenantOptions = {
  readonly port: number
  readonly store: Store
  readonly clients: ProviderClients
  readonly accessTokenSeconds: number
  readonly log: (line: string) => void
}

export async function createTenant({ port, store, clients, accessTokenSeconds, log }: TenantOptions) {
  const mount = tenantPath.slice(0, -1)
  const issuer = `http://${loopback}:${port}${tenantPath}`
  const surroundings = { port, mount, store, accessTokenSeconds, clients: clients.metadata }
  const settings = await openSettings(`${issuer}userinfo`, surroundings)
  const provider = new Provider(issuer, settings)
  provider.Client.prototype.compareClientSecret = function (presented) {
    return clients.isSecret(this.clientId, presented)
  }
  provider.on('server_error', (_context, error) => log(`The tenant failed: ${error.stack}`))
  addManners(provider, await createUserinfo(issuer, settings.jwks))
  const protocol = provider.callback()

  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    // As every framework that mounts a server does: it sees its own paths, and knows the whole one.
    Object.assign(incoming, { originalUrl: incoming.url, url: incoming.url?.slice(mount.length) })
    if (interactionPath.test(incoming.url ?? '')) return interact(provider, mount, incoming, outgoing)
    protocol(incoming, outgoing)
  }
}
