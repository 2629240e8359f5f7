/**
 * A stand-in for an organisation's identity provider. It sets up the package `oidc-provider` three times at one port: as
 * an OpenID Connect provider, as an Auth0 tenant, and as a user directory that has only OAuth 2.0. Each accepts any user
 * name and password. The same port serves the platforms that give workloads their tokens (platforms.ts).
 */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import type { ProviderClient } from './identity-provider/clients.ts'
import { makeKeys } from './identity-provider/keys.ts'
import { overviewPage } from './identity-provider/pages.ts'
import { directoryPath, tenantPath } from './identity-provider/paths.ts'
import type { Surroundings } from './identity-provider/provider.ts'
import type { Answer } from './identity-provider/providers.ts'
import { openStore } from './identity-provider/store.ts'
import { createPlatforms, issuerOf, type Platforms, platformsPath } from './platforms.ts'
import { freePort, listen, loopback } from './ports.ts'

export type { ProviderClient } from './identity-provider/clients.ts'

export type IdentityProviderOptions = {
  /** 0 picks a free port. */
  readonly port: number
  readonly clients: readonly ProviderClient[]
  /** Absolute path of the directory for its keys and sessions. @default they are in memory */
  readonly dataDir?: string
  /** Lifetime of the tenant's access tokens. @default 300 */
  readonly tenantAccessTokenSeconds?: number
  readonly log: (line: string) => void
}

export type IdentityProvider = { readonly url: string; readonly platforms: Platforms; stop(): Promise<void> }

/** @throws {PortTaken} */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const { dataDir } = options
  // The issuer contains the port, so the port must be known before anything listens.
  const port = options.port === 0 ? await freePort() : options.port
  const store = openStore(dataDir === undefined ? undefined : join(dataDir, 'identity-provider.db'))
  try {
    const url = `http://${loopback}:${port}`
    const keys = await store.keys(makeKeys)
    const platforms = createPlatforms(url, keys.jwks.keys)
    const server = createServer(listenerFor({ ...options, url, port, store, keys }, platforms, options))
    await listen(server, port, 'IDP_PORT')
    let stopped: Promise<void> | undefined
    const stop = async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      store.close()
    }
    return {
      url,
      platforms,
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

/** The providers are loaded at the first request to one of them. Loading takes a quarter of a second of CPU, and many starts see no sign-in. */
function listenerFor(
  surroundings: Surroundings,
  platforms: Platforms,
  { tenantAccessTokenSeconds = 300 }: IdentityProviderOptions,
): RequestListener {
  let loaded: Promise<Answer> | undefined
  const load = async () => {
    const { createProviders } = await import('./identity-provider/providers.ts')
    return createProviders(surroundings, tenantAccessTokenSeconds)
  }
  const answerAsProvider: Answer = async (incoming, outgoing) => {
    loaded ??= load()
    const answer = await loaded
    await answer(incoming, outgoing)
  }
  const { url } = surroundings
  const overview = overviewPage(
    [
      ['An OpenID Connect provider', url],
      ['A tenant like those of Auth0', `${url}${tenantPath}`],
      ['AWS', issuerOf('aws', url)],
      ['GitHub Actions', issuerOf('github', url)],
      ['A Kubernetes cluster', issuerOf('kubernetes', url)],
    ],
    `${url}${directoryPath}`,
  )
  return (incoming, outgoing) => {
    if (incoming.url === '/') {
      outgoing.writeHead(200, overview.headers).end(overview.html)
      return
    }
    const answer = incoming.url?.startsWith(platformsPath) ? platforms.answer : answerAsProvider
    answer(incoming, outgoing).catch((error: unknown) => {
      surroundings.log(`The identity provider failed: ${error instanceof Error ? error.stack : error}`)
      outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(500).end()
    })
  }
}
