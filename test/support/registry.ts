/**
 * An application and a client as the registry has them.
 *
 * Owns the sample values alone.
 */

import type { Application, Client } from '../../shared/domain/registration.ts'

/** What the registry's schema puts in where a provider's record does not say. */
export const providerDefaults = { parameters: {}, deviceLogin: 'broker', revokeTokens: false } as const

export function anApplication(changes: Partial<Application> = {}): Application {
  return {
    name: 'demo',
    displayName: 'Demo',
    provider: {
      ...providerDefaults,
      kind: 'oidc',
      issuer: 'https://idp.example',
      clientId: 'broker',
      auth: 'client_secret_basic',
      scopes: ['openid', 'profile', 'email'],
    },
    errorProfile: 'rfc',
    accessTokenAlgorithm: 'ES256',
    userinfo: { scope: 'openid', claims: { profile: ['name'], email: ['email', 'email_verified'] } },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    revokedBefore: 0,
    ...changes,
  }
}

/** A public client that may do everything but introspect. */
export function aClient(changes: Partial<Client> = {}): Client {
  return {
    application: 'demo',
    clientId: 'cli',
    displayName: 'Command line',
    auth: 'none',
    secretHashes: [],
    jwks: { keys: [] },
    grants: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    redirectUris: ['https://app.example/cb'],
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    audiences: ['https://api.example.test'],
    mayIntrospect: false,
    accessToken: 'broker',
    exchangesFor: [],
    keepsProviderTokens: false,
    idTokenAlgorithm: 'RS256',
    accessTokenSeconds: 300,
    idleSeconds: 2_592_000,
    absoluteSeconds: 31_536_000,
    graceSeconds: 0,
    revokedBefore: 0,
    ...changes,
  }
}
