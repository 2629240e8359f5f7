/**
 * How the package `oidc-provider` is set up to be like a tenant of Auth0.
 *
 * Owns the settings. Must not know HTTP servers or pages' markup. What no setting changes is in manners.ts.
 */

import type { JWK } from 'jose'
import type { Adapter, Context, Json } from 'oidc-provider'
import { claimsByScope, claimsOf } from '../identity-provider/person.ts'
import { day, hour, makeKeys, policy, showError } from '../identity-provider/settings.ts'
import type { Store } from '../identity-provider/store.ts'
import { createDeviceCodes } from './device-codes.ts'
import { askForCode, askToConfirm, tellSuccess } from './device-pages.ts'
import { activatePath, tokenPath } from './manners.ts'

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

const scopes = 'openid profile email offline_access'

export type Surroundings = {
  readonly port: number
  readonly accessTokenSeconds: number
  /** The path that it is under, without a slash at the end. */
  readonly mount: string
  readonly store: Store
  /** Finds a client's metadata by its id. */
  readonly clients: (id: string) => Json | undefined
}

/** @param userinfo its address, which is an audience like any other at Auth0 */
export async function openSettings(userinfo: string, surroundings: Surroundings) {
  const { port, mount, store, clients, accessTokenSeconds } = surroundings
  const kept = (await store.keep('tenant-keys', makeKeys)) as Keys
  const deviceCodes = createDeviceCodes(adapterIn(store, 'DeviceCode'), adapterIn(store, 'DevicePoll'))
  return {
    adapter: (model: string): Adapter => {
      if (model === 'Client') return { ...adapterIn(store, model), find: async (id) => clients(id) }
      return model === 'DeviceCode' ? deviceCodes : adapterIn(store, model)
    },
    jwks: kept.jwks,
    cookies: { keys: kept.cookieKeys, names: cookieNames(port) },
    routes,
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    claims: claimsByScope,
    findAccount: (_context: Context, sub: string) => ({ accountId: sub, claims: () => claimsOf(sub) }),
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      dPoP: { enabled: false },
      deviceFlow,
      revocation,
      resourceIndicators: audiences(accessTokenSeconds),
    },
    // Auth0's own parameter, which RFC 8707 came to call `resource`.
    extraParams: { audience: keepOfflineAccess },
    formats: { customizers: { jwt: (_context: Context, _token: unknown, jwt: Jwt) => addUserinfo(jwt, userinfo) } },
    interactions: {
      policy: policy(),
      url: (_context: Context, { uid }: { uid: string }) => `${mount}/interaction/${uid}`,
    },
    loadExistingGrant: grantAnew,
    rotateRefreshToken: true,
    // Refresh tokens outlive the browser's session, also where a second sign-in there follows the first.
    expiresWithSession: () => false,
    clientBasedCORS: () => false,
    renderError: showError,
    ttl: {
      ...{ AuthorizationCode: 60, AccessToken: accessTokenSeconds, IdToken: 10 * hour, RefreshToken: 30 * day },
      ...{ DeviceCode: 900, Interaction: hour, Session: 3 * day, Grant: 365 * day },
    },
  }
}

type Keys = { readonly jwks: { readonly keys: readonly JWK[] }; readonly cookieKeys: readonly string[] }

/** Apart from those of the provider next door. */
const adapterIn = (store: Store, model: string) => store.adapter(`tenant ${model}`)

const routes = {
  ...{ authorization: '/authorize', token: tokenPath, revocation: '/oauth/revoke', userinfo: '/userinfo' },
  ...{ device_authorization: '/oauth/device/code', code_verification: activatePath, jwks: '/.well-known/jwks.json' },
}

const deviceFlow = {
  ...{ enabled: true, charset: 'base-20', mask: '****-****' },
  ...{ userCodeInputSource: askForCode, userCodeConfirmSource: askToConfirm, successSource: tellSuccess },
}

const revocation = {
  enabled: true,
  allowedPolicy: (_context: Context, client: { clientId: string }, token: { clientId: string }) =>
    token.clientId === client.clientId,
}

/** Without an audience the token is for userinfo alone, and opaque, as at Auth0. */
function audiences(accessTokenSeconds: number) {
  return {
    enabled: true,
    defaultResource: ({ oidc }: Context) => oidc.params.audience,
    useGrantedResource: () => true,
    getResourceServerInfo: (_context: Context, audience: string) => ({
      ...{ scope: scopes, audience, accessTokenTTL: accessTokenSeconds },
      ...{ accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } },
    }),
  }
}

type Jwt = { payload: Record<string, unknown> }

/** With `openid`, the token is for userinfo as well, and `aud` an array. */
function addUserinfo({ payload }: Jwt, userinfo: string): void {
  if (String(payload.scope).split(' ').includes('openid')) payload.aud = [payload.aud, userinfo]
}

/** OIDC Core §11 wants prompt=consent for it, and the package insists; Auth0 does not. */
function keepOfflineAccess({ oidc, query }: Context): void {
  if (oidc.route !== 'authorization') return
  const [asked = [], kept = []] = [query.scope, oidc.params.scope].map((scope) => String(scope ?? '').split(' '))
  if (asked.includes('offline_access')) oidc.params.scope = [...new Set([...kept, 'offline_access'])].join(' ').trim()
}

function cookieNames(port: number) {
  return { session: `tenant_${port}`, interaction: `tenant_${port}_interaction`, resume: `tenant_${port}_resume` }
}

/** Grants all that is asked for, each time anew: reuse of one refresh token must not end another sign-in's. */
async function grantAnew({ oidc }: Context) {
  const { provider, client, session, resourceServers } = oidc
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  const asked = [...oidc.requestParamOIDCScopes].join(' ')
  grant.addOIDCScope(asked)
  grant.addOIDCClaims([...oidc.requestParamClaims])
  for (const audience of Object.keys(resourceServers)) grant.addResourceScope(audience, asked)
  await grant.save()
  return grant
}
