/**
 * One call per endpoint of contract.md §1, as a client makes it.
 *
 * Owns paths and parameter names. Must not judge the answers (expect.ts does).
 */
import type { Broker } from './broker.ts'
import { api, type Caller, credentials } from './callers.ts'
import { type Answer, bearer, get, type Headers, postForm } from './wire.ts'

export type Extra = Readonly<Record<string, string | undefined>>

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
export const fullScope = 'openid profile email offline_access'
export const callbackUri = 'http://127.0.0.1:9999/cb'

export function endpoint({ url }: Broker, application: string, path: string): string {
  return `${url}/${application}/oauth/${path}`
}

export function issuer({ url }: Broker, application: string): string {
  return `${url}/${application}`
}

/** An authenticated POST; `extra` wins over the caller's own fields, and undefined takes a field out. */
export function call(broker: Broker, caller: Caller, path: string, extra: Extra): Promise<Answer> {
  const { fields, headers } = credentials(caller)
  return postForm(endpoint(broker, caller.application, path), { ...fields, ...extra }, headers)
}

let tokenCalls = 0

/** The address of all grants and the one of this grant, by turns: another function with other rights serves each. */
export function tokenPath(grant: 'device' | 'code' | 'refresh' | 'client' | 'exchange'): string {
  tokenCalls += 1
  return tokenCalls % 2 === 0 ? `token/${grant}` : 'token'
}

export function startDevice(broker: Broker, caller: Caller, extra: Extra = {}): Promise<Answer> {
  return call(broker, caller, 'device_authorization', { scope: fullScope, ...extra })
}

export function poll(broker: Broker, caller: Caller, deviceCode: string, extra: Extra = {}): Promise<Answer> {
  return call(broker, caller, tokenPath('device'), { grant_type: deviceGrant, device_code: deviceCode, ...extra })
}

export function exchange(broker: Broker, caller: Caller, code: string, extra: Extra = {}): Promise<Answer> {
  return call(broker, caller, tokenPath('code'), {
    grant_type: 'authorization_code',
    code,
    redirect_uri: callbackUri,
    ...extra,
  })
}

export function refresh(broker: Broker, caller: Caller, refreshToken: string, extra: Extra = {}): Promise<Answer> {
  return call(broker, caller, tokenPath('refresh'), {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    ...extra,
  })
}

export function revoke(broker: Broker, caller: Caller, token: string, extra: Extra = {}): Promise<Answer> {
  return call(broker, caller, 'revoke', { token, ...extra })
}

export function introspect(broker: Broker, token: string, extra: Extra = {}, caller: Caller = api): Promise<Answer> {
  return call(broker, caller, 'introspect', { token, ...extra })
}

export function userinfo(broker: Broker, application: string, accessToken: string): Promise<Answer> {
  return askUserinfo(broker, application, bearer(accessToken))
}

export function askUserinfo(broker: Broker, application: string, headers: Headers): Promise<Answer> {
  return get(endpoint(broker, application, 'userinfo'), headers)
}

export function authorizeUrl(broker: Broker, caller: Caller, extra: Extra = {}): string {
  const url = new URL(endpoint(broker, caller.application, 'authorize'))
  const asked: Extra = {
    response_type: 'code',
    client_id: caller.clientId,
    redirect_uri: callbackUri,
    scope: fullScope,
    ...extra,
  }
  for (const [name, value] of Object.entries(asked)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url.href
}
