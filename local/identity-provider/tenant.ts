/**
 * The provider set up as a tenant of Auth0: issuer, endpoints, device flow, audiences, statuses and rotating refresh tokens
 * as Auth0 documents them. Any absolute URI is an API. There are no organizations, rules or logs.
 */

import { createLocalJWKSet, jwtVerify } from 'jose'
import Provider, { type Adapter, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { askForCode, askToConfirm, tellSuccess } from './device-pages.ts'
import { releasedClaims } from './person.ts'
import { day, hour, type Middleware, refuseToken, type Setup, type Surroundings } from './provider.ts'
import type { Keys } from './store.ts'

/** Below the identity provider's address. The issuer ends in a slash, as Auth0's does. */
export const tenantPath = '/tenant/'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const scope = 'openid profile email offline_access'
const intervalSeconds = 5

export function tenant({ url, store, keys }: Surroundings, accessTokenSeconds: number): Setup {
  const issuer = `${url}${tenantPath}`
  const userinfo = `${issuer}userinfo`
  return {
    ...{ name: 'tenant', mount: tenantPath.slice(0, -1), issuer },
    adapters: { DeviceCode: withInterval(store.adapter('tenant DeviceCode'), store.adapter('tenant DevicePoll')) },
    features: { deviceFlow, resourceIndicators: audiences(accessTokenSeconds) },
    settings: {
      routes,
      responseTypes: ['code'],
      clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
      clientDefaults: { grant_types: ['authorization_code', 'refresh_token', deviceGrant] },
      // Auth0's own parameter, which RFC 8707 later called `resource`.
      extraParams: { audience: keepOfflineAccess },
      formats: { customizers: { jwt: (_context, _token, { payload }) => addUserinfo(payload, userinfo) } },
      rotateRefreshToken: true,
      ttl: {
        ...{ AccessToken: accessTokenSeconds, IdToken: 10 * hour, Session: 3 * day, Grant: 365 * day },
        DeviceCode: 900,
      },
    },
    middlewares: [answerAsAuth0, userinfoForJwts(issuer, keys)],
  }
}

const routes = {
  ...{ authorization: '/authorize', token: '/oauth/token', revocation: '/oauth/revoke', userinfo: '/userinfo' },
  ...{ device_authorization: '/oauth/device/code', code_verification: '/activate', jwks: '/.well-known/jwks.json' },
}

const deviceFlow = {
  ...({ enabled: true, charset: 'base-20', mask: '****-****' } as const),
  ...{ userCodeInputSource: askForCode, userCodeConfirmSource: askToConfirm, successSource: tellSuccess },
}

/** Without an audience the access token is opaque and good for userinfo alone, as at Auth0. */
function audiences(accessTokenTTL: number) {
  return {
    enabled: true,
    defaultResource: ({ oidc }: KoaContextWithOIDC) => textOf(oidc.params?.audience),
    useGrantedResource: () => true,
    getResourceServerInfo: (_context: KoaContextWithOIDC, audience: string) => ({
      ...{ scope, audience, accessTokenTTL },
      ...({ accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } } as const),
    }),
  }
}

/** With the scope `openid` the token is for userinfo as well, and `aud` is a list. */
function addUserinfo(payload: Record<string, unknown>, userinfo: string): void {
  if (String(payload.scope).split(' ').includes('openid')) payload.aud = [payload.aud, userinfo]
}

/** The package drops offline_access without prompt=consent, as OIDC Core §11 says. Auth0 does not. */
function keepOfflineAccess({ oidc, query }: KoaContextWithOIDC): void {
  const { params } = oidc
  if (oidc.route !== 'authorization' || params === undefined) return
  if (textOf(query.scope)?.split(' ').includes('offline_access')) {
    params.scope = [...new Set(`${params.scope ?? ''} offline_access`.trim().split(' '))].join(' ')
  }
}

/** RFC 6749 §5.2 and RFC 8628 §3.5 have 400 for each of these. */
const statuses: Readonly<Record<string, number>> = {
  ...{ authorization_pending: 403, expired_token: 403, access_denied: 403, invalid_grant: 403, slow_down: 429 },
}

const answerAsAuth0: Middleware = async (context, next) => {
  await next()
  const answer = context.body as Record<string, unknown> | undefined
  // Undefined where nothing is at the address.
  switch (context.oidc?.route) {
    case 'discovery':
      context.body = sparse(answer)
      break
    case 'device_authorization':
      if (context.status === 200) context.body = { ...answer, interval: intervalSeconds }
      break
    case 'token':
      context.status = statuses[String(answer?.error)] ?? context.status
  }
}

/** Auth0's metadata says nothing of public clients and of grants. Both work all the same. */
function sparse(metadata: Record<string, unknown> = {}) {
  const { grant_types_supported: _, token_endpoint_auth_methods_supported: methods, ...rest } = metadata
  const confidential = (methods as readonly string[]).filter((method) => method !== 'none')
  return { ...rest, token_endpoint_auth_methods_supported: confidential }
}

/** Timers are not exact. */
const jitterMs = 200
/** How long a device code is told to have expired, before it is unknown. */
const rememberedSeconds = 3_600

/** RFC 8628 §3.5: a poll that comes too early is told slow_down. The package has no setting for it. */
function withInterval(codes: Adapter, polls: Adapter): Adapter {
  return {
    ...codes,
    upsert: (id, payload, seconds = 0) => codes.upsert(id, payload, seconds + rememberedSeconds),
    find: async (id) => {
      const code = await codes.find(id)
      const { oidc } = Provider.ctx ?? {}
      // Another client's poll does not count. The package refuses it.
      if (!code || oidc?.route !== 'token' || oidc.client?.clientId !== code.clientId) return code
      const last = await polls.find(id)
      await polls.upsert(id, { iat: Date.now() }, rememberedSeconds)
      if (last && Date.now() - Number(last.iat) < intervalSeconds * 1_000 - jitterMs) throw new errors.SlowDown()
      return code
    },
  }
}

/** Auth0's userinfo takes the access token of an API too. The package's takes opaque ones alone. */
function userinfoForJwts(issuer: string, { jwks }: Keys): Middleware {
  const publicKeys = createLocalJWKSet({ keys: jwks.keys.map(({ kty, n, e, kid, alg }) => ({ kty, n, e, kid, alg })) })
  const checks = { issuer, audience: `${issuer}userinfo`, typ: 'at+jwt', algorithms: ['RS256'] }
  return async (context, next) => {
    const [, token] = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(context.get('authorization')) ?? []
    if (context.path !== routes.userinfo || token === undefined) return next()
    try {
      const { payload } = await jwtVerify(token, publicKeys, checks)
      context.body = releasedClaims(String(payload.sub), String(payload.scope).split(' '))
    } catch {
      refuseToken(context)
    }
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
