/**
 * A stand-in for an organisation's identity provider: a real OpenID Connect provider (the package `oidc-provider`) whose
 * login page takes any user name and password; and beside it, at the same port, a user directory that speaks OAuth alone
 * and a tenant that behaves like Auth0.
 *
 * Owns its server, and who runs it when several brokers of this machine use one port. Must not know the broker, which
 * talks to it as to any other provider.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { createClients, type ProviderClient, type ProviderClients } from './identity-provider/clients.ts'
import { interact, interactionPath } from './identity-provider/interaction.ts'
import { admit, joinAt, joinPath } from './identity-provider/join.ts'
import { settingsFor } from './identity-provider/settings.ts'
import { openStore, type Store } from './identity-provider/store.ts'
import { freePort, listen, loopback, PortTaken } from './ports.ts'
import { NobodyServes, type Part, type Role, serveOrFollow } from './serve-or-follow.ts'
import { createTenant, tenantGrants, tenantPath } from './tenant/server.ts'
import { createUserDirectory, directoryPath } from './user-directory/server.ts'

export type { ProviderClient } from './identity-provider/clients.ts'

export type IdentityProviderOptions = {
  /** 0 picks a free one. */
  readonly port: number
  readonly clients: readonly ProviderClient[]
  /** Where its keys and sessions are kept, an absolute path; in memory without it. */
  readonly dataDir?: string
  /** How long the tenant's access tokens are good. @default 300 */
  readonly tenantAccessTokenSeconds?: number
  readonly log: (line: string) => void
}

export type IdentityProvider = { readonly url: string; readonly role: Role; stop(): Promise<void> }

/** @throws {PortTaken} when something that is no such identity provider listens on the port */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const { clients, log } = options
  const port = options.port === 0 ? await freePort() : options.port
  const url = `http://${loopback}:${port}`
  const joined = serveOrFollow({
    follow: () => joinAt(port, loopback, clients),
    serve: () => serve(port, options),
    changed: (role) =>
      log(`${role === 'serving' ? 'This broker now runs' : 'Using again'} the identity provider at ${url}.`),
    lost: (error) => log(`The identity provider at ${url} is gone: ${error instanceof Error ? error.message : error}`),
  })
  const membership = await joined.catch((error: unknown) => {
    throw error instanceof NobodyServes ? new PortTaken(port, 'IDP_PORT') : error
  })
  return { url, role: membership.role, stop: membership.stop }
}

async function serve(port: number, options: IdentityProviderOptions): Promise<Part | undefined> {
  const { clients, dataDir } = options
  const store = openStore(dataDir === undefined ? undefined : join(dataDir, 'identity-provider.db'))
  const known = { openid: createClients(), directory: createClients(), tenant: createClients(tenantGrants) }
  addTo(known, clients)
  const answer = await responder(port, store, known, options)
  const server = createServer(answer)
  try {
    await listen(server, port, 'IDP_PORT')
  } catch (error) {
    store.close()
    if (error instanceof PortTaken) return undefined
    throw error
  }
  return partOf(server, store)
}

function partOf(server: Server, store: Store): Part {
  const ended = new Promise<void>((resolve) => server.on('close', resolve))
  return {
    ended,
    stop: async () => {
      server.close()
      // Those that followed us have to notice; and nothing that is under way here is worth waiting for.
      server.closeAllConnections()
      await ended
      store.close()
    },
  }
}

type Known = Readonly<Record<NonNullable<ProviderClient['at']>, ProviderClients>>

function addTo(known: Known, clients: readonly ProviderClient[]): void {
  for (const client of clients) known[client.at ?? 'openid'].add([client])
}

async function responder(port: number, store: Store, known: Known, options: IdentityProviderOptions) {
  const { log, tenantAccessTokenSeconds: accessTokenSeconds = 300 } = options
  const url = `http://${loopback}:${port}`
  // Each draws a key at its first start, which takes a while.
  const [settings, directory, tenant] = await Promise.all([
    settingsFor(port, store, known.openid.metadata),
    createUserDirectory(url, store, known.directory),
    createTenant({ port, store, clients: known.tenant, accessTokenSeconds, log }),
  ])
  const provider = new Provider(url, settings)
  provider.Client.prototype.compareClientSecret = function (presented) {
    return known.openid.isSecret(this.clientId, presented)
  }
  provider.on('server_error', (_context, error) => log(`The identity provider failed: ${error.stack}`))
  const protocol = provider.callback()

  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { url = '/' } = incoming
    const fail = (error: unknown) => {
      log(`The identity provider failed: ${error instanceof Error ? error.stack : error}`)
      outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(500).end()
    }
    if (url === joinPath) admit(incoming, outgoing, (clients) => addTo(known, clients)).catch(fail)
    else if (url.startsWith(directoryPath)) directory(incoming, outgoing).catch(fail)
    else if (url.startsWith(tenantPath)) tenant(incoming, outgoing).catch(fail)
    else if (interactionPath.test(url)) interact(provider, '', incoming, outgoing).catch(fail)
    else protocol(incoming, outgoing)
  }
}
