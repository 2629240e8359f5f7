/**
 * A stand-in for an organisation's identity provider: a real OpenID Connect provider (the package `oidc-provider`) whose
 * login page takes any user name and password; and beside it, at the same port, a user directory that speaks OAuth alone
 * and a tenant that behaves like Auth0.
 *
 * Must not know the broker, which talks to it as to any other provider.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { createClients, type ProviderClient, type ProviderClients } from './identity-provider/clients.ts'
import { interact, interactionPath } from './identity-provider/interaction.ts'
import { settingsFor } from './identity-provider/settings.ts'
import { openStore, type Store } from './identity-provider/store.ts'
import { freePort, listen, loopback } from './ports.ts'
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

export type IdentityProvider = { readonly url: string; stop(): Promise<void> }

/** @throws {PortTaken} */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const { clients, dataDir } = options
  // The issuer holds the port, so it has to be known before anything listens there.
  const port = options.port === 0 ? await freePort() : options.port
  const store = openStore(dataDir === undefined ? undefined : join(dataDir, 'identity-provider.db'))
  try {
    const server = createServer(await responder(port, store, knownFrom(clients), options))
    await listen(server, port, 'IDP_PORT')
    let stopped: Promise<void> | undefined
    const stop = async () => {
      const closed = once(server, 'close')
      server.close()
      // Nothing that is under way here is worth waiting for.
      server.closeAllConnections()
      await closed
      store.close()
    }
    return {
      url: `http://${loopback}:${port}`,
      stop: () => {
        stopped ??= stop()
        return stopped
      },
    }
  } catch (error) {
    store.close()
    throw error
  }
}

type Known = Readonly<Record<NonNullable<ProviderClient['at']>, ProviderClients>>

function knownFrom(clients: readonly ProviderClient[]): Known {
  const at = (place: ProviderClient['at']) => clients.filter((client) => (client.at ?? 'openid') === place)
  return {
    openid: createClients(at('openid')),
    directory: createClients(at('directory')),
    tenant: createClients(at('tenant'), tenantGrants),
  }
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
    if (url.startsWith(directoryPath)) directory(incoming, outgoing).catch(fail)
    else if (url.startsWith(tenantPath)) tenant(incoming, outgoing).catch(fail)
    else if (interactionPath.test(url)) interact(provider, '', incoming, outgoing).catch(fail)
    else protocol(incoming, outgoing)
  }
}
