/**
 * Sets up the provider as an Auth0 tenant: issuer, endpoints, device flow, audiences, statuses and rotating refresh
 * tokens are as Auth0 documents them. Any absolute URI is an API. There are no organizations, rules or logs.
 */

import { createLocalJWKSet, jwtVerify } from 'jose'
import Provider, { type Adapter, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { askForCode, askToConfirm, tellSuccess } from './device-pages.ts'
import type { Keys } from './keys.ts'
import { tenantPath } from './paths.ts'
import { releasedClaims } from './person.ts'
import { day, hour, type Middleware, refuseToken, type Setup, type Surroundings } from './provider.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const scope = 'openid profile email offline_access'
const intervalSeconds = 5

export function tenant({ url, store, keys }: Surroundings, accessTokenSeconds: number): Setup {
  const issuer = `${url}${tenantPath}`
  const userinfo = `${issuer}userinfo`
  return {
    name: 'tenant',
    mount: tenantPath.slice(0, -1),
    issuer,
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
        AccessToken: accessTokenSeconds,
        IdToken: 10 * hour,
        Session: 3 * day,
        Grant: 365 * day,
        DeviceCode: 900,
      },
    },
    middlewares: [answerAsAuth0, userinfoForJwts(issuer, keys)],
  }
}

const routes = {
  authorization: '/authorize',
  token: '/oauth/token',
  revocation: '/oauth/revoke',
  userinfo: '/userinfo',
  device_authorization: '/oauth/device/code',
  code_verification: '/activate',
  jwks: '/.well-known/jwks.json',
}

const deviceFlow = {
  ...({ enabled: true, charset: 'base-20', mask: '****-****' } as const),
  userCodeInputSource: askForCode,
  userCodeConfirmSource: askToConfirm,
  successSource: tellSuccess,
}

/** As at Auth0, without an audience the access token is opaque and valid only at userinfo. */
function audiences(accessTokenTTL: number) {
  return {
    enabled: true,
    defaultResource: ({ oidc }: KoaContextWithOIDC) => textOf(oidc.params?.audience),
    useGrantedResource: () => true,
    getResourceServerInfo: (_context: KoaContextWithOIDC, audience: string) => ({
      scope,
      audience,
      accessTokenTTL,
      ...({ accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } } as const),
    }),
  }
}

/** With the scope `openid`, the token is also valid at userinfo, and `aud` is a list. */
function addUserinfo(payload: Record<string, unknown>, userinfo: string): void {
  if (String(payload.scope).split(' ').includes('openid')) payload.aud = [payload.aud, userinfo]
}

/** Without prompt=consent, the package drops offline_access, as OIDC Core §11 says. Auth0 does not. */
function keepOfflineAccess({ oidc, query }: KoaContextWithOIDC): void {
  const { params } = oidc
  if (oidc.route !== 'authorization' || params === undefined) return
  if (textOf(query.scope)?.split(' ').includes('offline_access')) {
    params.scope = [...new Set(`${params.scope ?? ''} offline_access`.trim().split(' '))].join(' ')
  }
}

/** Auth0's statuses. RFC 6749 §5.2 and RFC 8628 §3.5 specify 400 for each of these errors. */
const statuses: Readonly<Record<string, number>> = {
  authorization_pending: 403,
  expired_token: 403,
  access_denied: 403,
  invalid_grant: 403,
  slow_down: 429,
}

const answerAsAuth0: Middleware = async (context, next) => {
  await next()
  const answer = context.body as Record<string, unknown> | undefined
  // The route is undefined if the address is unknown.
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

/** Auth0's metadata does not mention public clients and grants, although it supports both. */
function sparse(metadata: Record<string, unknown> = {}) {
  const { grant_types_supported: _, token_endpoint_auth_methods_supported: methods, ...rest } = metadata
  const confidential = (methods as readonly string[]).filter((method) => method !== 'none')
  return { ...rest, token_endpoint_auth_methods_supported: confidential }
}

/** Tolerance for early polls, because timers are not exact. */
const jitterMs = 200
/** How long an expired device code is answered with expired_token before it becomes unknown. */
const rememberedSeconds = 3_600

/** RFC 8628 §3.5: answers slow_down to a poll that comes too early. The package has no setting for this. */
function withInterval(codes: Adapter, polls: Adapter): Adapter {
  return {
    ...codes,
    upsert: (id, payload, seconds = 0) => codes.upsert(id, payload, seconds + rememberedSeconds),
    find: async (id) => {
      const code = await codes.find(id)
      const { oidc } = Provider.ctx ?? {}
      // The poll of another client does not count. The package refuses it.
      if (!code || oidc?.route !== 'token' || oidc.client?.clientId !== code.clientId) return code
      const last = await polls.find(id)
      await polls.upsert(id, { iat: Date.now() }, rememberedSeconds)
      if (last && Date.now() - Number(last.iat) < intervalSeconds * 1_000 - jitterMs) throw new errors.SlowDown()
      return code
    },
  }
}

/** Auth0's userinfo also accepts the access token of an API. The package's accepts only opaque ones. */
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
