/**
 * Sets up the package `oidc-provider` as a stand-in, which accepts any user name and password and grants every request
 * without asking. A `Setup` turns it into another kind of provider.
 *
 * Sets everything about which the package would otherwise warn: keys, lifetimes, policies.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import Provider, { type Adapter, type Configuration, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { createClients, type ProviderClient } from './clients.ts'
import { interact, interactionPath } from './interaction.ts'
import type { Keys } from './keys.ts'
import { errorPage, type Page } from './pages.ts'
import { claimsByScope, claimsOf } from './person.ts'
import type { Store } from './store.ts'

export type Middleware = (context: KoaContextWithOIDC, next: () => Promise<void>) => Promise<void>

/** The settings in which the providers differ. */
export type Setup = {
  readonly name: 'openid' | 'tenant' | 'directory'
  /** The provider's path, without a trailing slash. */
  readonly mount: string
  readonly issuer: string
  readonly settings?: Omit<Configuration, 'features'>
  readonly features?: Pick<NonNullable<Configuration['features']>, 'deviceFlow' | 'resourceIndicators'>
  /** Adapters by model, instead of the store's. */
  readonly adapters?: Readonly<Record<string, Adapter>>
  /** They run before the package handles a request. */
  readonly middlewares?: readonly Middleware[]
}

/** The settings that all providers at one port share. */
export type Surroundings = {
  readonly url: string
  readonly port: number
  readonly store: Store
  readonly keys: Keys
  readonly clients: readonly ProviderClient[]
  readonly log: (line: string) => void
}

export const hour = 3_600
export const day = 24 * hour

export function createProvider(setup: Setup, { port, store, keys, clients, log }: Surroundings) {
  const { name, mount, issuer, settings, middlewares = [] } = setup
  const known = createClients(clients.filter(({ at = 'openid' }) => at === name))
  const cookie = `${name}_${port}`
  const provider = new Provider(issuer, {
    adapter: (model) => {
      const adapter = setup.adapters?.[model] ?? store.adapter(`${name} ${model}`)
      return model === 'Client' ? { ...adapter, find: async (id) => known.metadata(id) } : adapter
    },
    jwks: keys.jwks,
    // A browser sends cookies to every port of a host, so each provider uses its own cookie names.
    cookies: {
      keys: keys.cookieKeys,
      names: { session: cookie, interaction: `${cookie}_interaction`, resume: `${cookie}_resume` },
    },
    claims: claimsByScope,
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => claimsOf(sub) }),
    // As at most providers, the ID token has the claims of the scopes, so that no second request is needed.
    conformIdTokenClaims: false,
    interactions: { policy: policyWithoutConsent(), url: (_context, { uid }) => `${mount}/interaction/${uid}` },
    loadExistingGrant: grantAll,
    // Refresh tokens outlive the browser's session, and a second sign-in in that browser.
    expiresWithSession: () => false,
    clientBasedCORS: () => false,
    renderError: (context, { error, error_description: description }) => show(context, errorPage(error, description)),
    ...settings,
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      require_auth_time: true,
      ...settings?.clientDefaults,
    },
    features: { ...features, ...setup.features },
    ttl: {
      AuthorizationCode: 60,
      AccessToken: hour,
      IdToken: hour,
      RefreshToken: 30 * day,
      Interaction: hour,
      Session: 14 * day,
      Grant: 30 * day,
      ...settings?.ttl,
    },
  })
  provider.Client.prototype.compareClientSecret = function (secret) {
    return known.isSecret(this.clientId, secret)
  }
  provider.on('server_error', (_context, error) => log(`The identity provider (${name}) failed: ${error.stack}`))
  for (const middleware of middlewares) provider.use(middleware)
  const answer = provider.callback()

  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    // Express's convention for a server below a path. The package supports it.
    Object.assign(incoming, { baseUrl: mount, url: incoming.url?.slice(mount.length) })
    if (interactionPath.test(incoming.url ?? '')) return interact(provider, mount, incoming, outgoing)
    await answer(incoming, outgoing)
  }
}

const features = {
  devInteractions: { enabled: false },
  dPoP: { enabled: false },
  pushedAuthorizationRequests: { enabled: false },
  resourceIndicators: { enabled: false },
  rpInitiatedLogout: { enabled: false },
  revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
} satisfies Configuration['features']

export function show(context: KoaContextWithOIDC, { headers, html }: Page): void {
  context.set(headers)
  context.body = html
}

/** RFC 6750 §3.1 */
export function refuseToken(context: KoaContextWithOIDC): void {
  context.status = 401
  context.set('www-authenticate', 'Bearer error="invalid_token"')
  context.body = { error: 'invalid_token' }
}

/** By default, the package asks for consent each time if the client is native, as ours are. */
function policyWithoutConsent() {
  const policy = interactionPolicy.base()
  policy.get('consent')?.checks.remove('native_client_prompt')
  return policy
}

/**
 * Grants everything that is requested. Each sign-in gets its own grant, so that reuse of one refresh token ends no other
 * sign-in.
 */
async function grantAll({ oidc }: KoaContextWithOIDC) {
  const { provider, client, session, resourceServers = {} } = oidc
  const grant = new provider.Grant({ clientId: client?.clientId, accountId: session?.accountId })
  const scope = [...oidc.requestParamOIDCScopes].join(' ')
  grant.addOIDCScope(scope)
  grant.addOIDCClaims([...oidc.requestParamClaims])
  for (const audience of Object.keys(resourceServers)) grant.addResourceScope(audience, scope)
  await grant.save()
  return grant
}
