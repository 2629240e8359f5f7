/**
 * How the package `oidc-provider` is set up to be a stand-in for an organisation's identity provider.
 *
 * Owns the settings. Must not know HTTP servers or pages' markup. Everything that the package would otherwise warn about
 * (keys, lifetimes, policies) is set here on purpose.
 */

import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import { type Adapter, type Context, interactionPolicy, type Json } from 'oidc-provider'
import { errorPage, type Page } from './pages.ts'
import { claimsByScope, claimsOf } from './person.ts'
import type { Store } from './store.ts'

export const hour = 3_600
export const day = 24 * hour

/** @param clients finds a client's metadata by its id */
export async function settingsFor(port: number, store: Store, clients: (id: string) => Json | undefined) {
  const { jwks, cookieKeys } = await store.keep('keys', makeKeys)
  return {
    adapter: (model: string): Adapter =>
      model === 'Client' ? { ...store.adapter(model), find: async (id) => clients(id) } : store.adapter(model),
    jwks,
    cookies: { keys: cookieKeys, names: cookieNames(port) },
    claims: claimsByScope,
    findAccount: (_context: Context, sub: string) => ({ accountId: sub, claims: () => claimsOf(sub) }),
    // As most organisations' providers do: the ID token has the claims of the scopes, so that no second request is needed.
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (_context: Context, client: { clientId: string }, token: { clientId: string }) =>
          token.clientId === client.clientId,
      },
    },
    interactions: { policy: policy(), url: (_context: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
    loadExistingGrant: grantAll,
    clientBasedCORS: () => false,
    renderError: showError,
    ttl: {
      ...{ AuthorizationCode: 60, AccessToken: hour, IdToken: hour, RefreshToken: 30 * day },
      ...{ Interaction: hour, Session: 14 * day, Grant: 30 * day },
    },
  }
}

export function show(context: Context, { headers, html }: Page): void {
  for (const [name, value] of Object.entries(headers)) context.set(name, value)
  context.body = html
}

export function showError(context: Context, { error, error_description: description }: Record<string, string>): void {
  show(context, errorPage(String(error), description))
}

export async function makeKeys(): Promise<Json> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('base64url') }
  return { jwks: { keys: [jwk] }, cookieKeys: [randomBytes(32).toString('base64url')] }
}

/** A browser sends cookies to every port of a host: two providers on one machine must not take each other's. */
function cookieNames(port: number) {
  return { session: `idp_${port}`, interaction: `idp_${port}_interaction`, resume: `idp_${port}_resume` }
}

/** The package wants native clients (which may use any port) to ask each time; nobody is asked here. */
export function policy() {
  const base = interactionPolicy.base()
  base.get('consent')?.checks.remove('native_client_prompt')
  return base
}

/** Grants all that is asked for, without a question. */
async function grantAll({ oidc }: Context) {
  const { provider, client, session } = oidc
  const known = session.grantIdFor(client.clientId)
  const found = known === undefined ? undefined : await provider.Grant.find(known)
  const grant = found ?? new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '))
  grant.addOIDCClaims([...oidc.requestParamClaims])
  await grant.save()
  return grant
}
