/**
 * Every route of the broker. API Gateway and the local gateway are both built from this table.
 */

import { crossOriginHeaders } from '../shared/http/headers.ts'

/** The name of a file in `functions/`, without its extension. */
export type FunctionName =
  | 'start-device-flow'
  | 'poll'
  | 'exchange-code'
  | 'refresh'
  | 'client-credentials'
  | 'exchange-token'
  | 'revoke'
  | 'token'
  | 'authorize'
  | 'callback'
  | 'activate'
  | 'introspect'
  | 'userinfo'
  | 'metadata'
  | 'sessions'
  | 'api-docs'

export type Method = 'GET' | 'POST' | 'DELETE'

export type Route = {
  /** In API Gateway's notation; `{application}` is a path parameter. */
  readonly path: string
  readonly methods: readonly Method[]
  readonly functionName: FunctionName
  /** Whether scripts of any origin may call it, without credentials (Fetch standard, CORS protocol). */
  readonly crossOrigin: boolean
  /** `iam`: the gateway requires SigV4 and passes the caller's identity on. `function`: the function authenticates. */
  readonly authorization: 'function' | 'iam'
  /** The route exists only if this prop is true. @default - every broker has the route */
  readonly setting?: 'apiDocs'
}

export const routes: readonly Route[] = [
  route('/{application}/oauth/device_authorization', ['POST'], 'start-device-flow'),
  route('/{application}/oauth/token', ['POST'], 'token', 'cross-origin'),
  route('/{application}/oauth/token/device', ['POST'], 'poll', 'cross-origin'),
  route('/{application}/oauth/token/code', ['POST'], 'exchange-code', 'cross-origin'),
  route('/{application}/oauth/token/refresh', ['POST'], 'refresh', 'cross-origin'),
  route('/{application}/oauth/token/client', ['POST'], 'client-credentials', 'cross-origin'),
  route('/{application}/oauth/token/exchange', ['POST'], 'exchange-token', 'cross-origin'),
  route('/{application}/oauth/revoke', ['POST'], 'revoke', 'cross-origin'),
  route('/{application}/oauth/introspect', ['POST'], 'introspect'),
  route('/{application}/oauth/userinfo', ['GET', 'POST'], 'userinfo', 'cross-origin'),
  route('/{application}/oauth/authorize', ['GET', 'POST'], 'authorize'),
  route('/{application}/oauth/callback', ['GET'], 'callback'),
  route('/{application}/activate', ['GET', 'POST'], 'activate'),
  route('/{application}/.well-known/openid-configuration', ['GET'], 'metadata', 'cross-origin'),
  route('/.well-known/oauth-authorization-server/{application}', ['GET'], 'metadata', 'cross-origin'),
  route('/{application}/.well-known/jwks.json', ['GET'], 'metadata', 'cross-origin'),
  route('/applications', ['GET'], 'sessions', 'iam'),
  route('/{application}/sessions', ['GET'], 'sessions', 'iam'),
  route('/{application}/sessions/revoke', ['POST'], 'sessions', 'iam'),
  route('/{application}/sessions/{sid}', ['GET', 'DELETE'], 'sessions', 'iam'),
  route('/openapi.json', ['GET'], 'api-docs', 'cross-origin'),
  { ...route('/apidocs', ['GET'], 'api-docs'), setting: 'apiDocs' },
  { ...route('/apidocs/{file}', ['GET'], 'api-docs'), setting: 'apiDocs' },
]

/** Headers of the answer to a CORS preflight. */
export const preflightHeaders = {
  ...crossOriginHeaders,
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'authorization, content-type',
  'access-control-max-age': '86400',
} as const

function route(path: string, methods: Method[], functionName: FunctionName, access?: 'cross-origin' | 'iam'): Route {
  const authorization = access === 'iam' ? 'iam' : 'function'
  return { path, methods, functionName, crossOrigin: access === 'cross-origin', authorization }
}
