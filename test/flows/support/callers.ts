/**
 * The clients of local-stack.md, and how each of them names itself.
 *
 * Owns client authentication as a caller does it. Must not know what is asked for.
 */
import { basic, type Fields, type Headers } from './wire.ts'

export type Caller = {
  readonly application: string
  readonly clientId: string
  readonly auth: 'none' | 'client_secret_basic' | 'client_secret_post'
  readonly secret?: string
}

export const cli: Caller = { application: 'demo', clientId: 'cli', auth: 'none' }
/** graceSeconds 10. */
export const job: Caller = { application: 'demo', clientId: 'job', auth: 'none' }
export const web: Caller = { application: 'demo', clientId: 'web', auth: 'client_secret_post', secret: 'web-secret' }
export const basicWeb: Caller = {
  application: 'demo',
  clientId: 'basic',
  auth: 'client_secret_basic',
  secret: 'basic-secret',
}
export const spa: Caller = { application: 'demo', clientId: 'spa', auth: 'none' }
/** Idle 2 s, absolute 6 s. */
export const brief: Caller = { application: 'demo', clientId: 'brief', auth: 'none' }
/** May introspect, and nothing else. */
export const api: Caller = { application: 'demo', clientId: 'api', auth: 'client_secret_basic', secret: 'api-secret' }
/** At the application whose errors are Auth0's. */
export const auth0Cli: Caller = { application: 'auth0like', clientId: 'cli', auth: 'none' }

/** At the application whose provider is of kind `oauth2`; may ask for `profile` alone. */
export const userdocs: Caller = {
  application: 'userdocs',
  clientId: 'userdocs',
  auth: 'client_secret_post',
  secret: 'userdocs-secret',
}

export type Credentials = { readonly fields: Readonly<Record<string, string>>; readonly headers: Headers }

export function credentials({ clientId, auth, secret = '' }: Caller): Credentials {
  switch (auth) {
    case 'none':
      return { fields: { client_id: clientId }, headers: {} }
    case 'client_secret_post':
      return { fields: { client_id: clientId, client_secret: secret }, headers: {} }
    case 'client_secret_basic':
      return { fields: {}, headers: basic(clientId, secret) }
  }
}

/** The caller's own fields and the request's, as pairs, so that one may be added twice. */
export function pairs(...parts: readonly Readonly<Record<string, string>>[]): Fields {
  return parts.flatMap((part) => Object.entries(part))
}
