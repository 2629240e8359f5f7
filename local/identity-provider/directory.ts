/**
 * Sets up the provider as a user directory that has OAuth 2.0 but no OpenID Connect: three endpoints below the name of one
 * application, and no discovery. Its userinfo has the members `id`, `name`, `sub` and `username`.
 */

import { createHash } from 'node:crypto'
import type { Adapter } from 'oidc-provider'
import { errorPage } from './pages.ts'
import { directoryPath } from './paths.ts'
import { type Middleware, refuseToken, type Setup, type Surroundings, show } from './provider.ts'

const routes = { authorization: '/oauth/authorize', token: '/oauth/token', userinfo: '/oauth/userinfo' }

export function directory({ url, store }: Surroundings): Setup {
  const accessTokens = store.adapter('directory AccessToken')
  const mount = directoryPath.slice(0, -1)
  return {
    name: 'directory',
    mount,
    issuer: `${url}${mount}`,
    adapters: { AccessToken: accessTokens },
    settings: {
      routes,
      responseTypes: ['code'],
      clientAuthMethods: ['client_secret_post'],
      clientDefaults: { grant_types: ['authorization_code'], require_auth_time: false },
      pkce: { required: () => false },
    },
    middlewares: [refuseOtherPaths, ignoreOpenId, userinfoFrom(accessTokens)],
  }
}

const refuseOtherPaths: Middleware = async (context, next) => {
  const { path } = context
  const isResumed = path.startsWith(`${routes.authorization}/`)
  if (isResumed || Object.values(routes).includes(path)) return next()
  context.status = 404
  show(context, errorPage('not_found', 'There is nothing at this address.'))
}

/** RFC 6749 §3.1: unknown parameters are ignored. The package would refuse these without the scope openid. */
const ignoreOpenId: Middleware = async (context, next) => {
  if (context.path === routes.authorization) {
    const { nonce: _nonce, max_age: _maxAge, acr_values: _acrValues, ...query } = context.query
    context.query = query
  }
  return next()
}

/** Replaces the package's own userinfo, which requires the scope openid. */
function userinfoFrom(accessTokens: Adapter): Middleware {
  return async (context, next) => {
    if (context.path !== routes.userinfo) return next()
    const [, token = ''] = /^bearer +(\S+)$/i.exec(context.get('authorization')) ?? []
    const { accountId } = (await accessTokens.find(token)) ?? {}
    if (accountId === undefined) return refuseToken(context)
    context.body = profileOf(accountId)
  }
}

function profileOf(userName: string) {
  const sub = subjectOf(userName)
  return { id: sub, name: userName, sub, username: userName }
}

/** A UUID in the form of version 4 (RFC 9562 §5.4). The same name gets the same UUID on every machine. */
function subjectOf(userName: string): string {
  const bytes = createHash('sha256').update(`user directory\0${userName}`).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
