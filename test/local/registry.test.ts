/**
 * The local registry is the table of contract.md §5, row by row.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownRegistry, readRegistry } from '../../local/registry.ts'
import type { Client } from '../../shared/domain/registration.ts'
import { hashSecret } from '../../shared/http/client-authentication.ts'

const { applications, clients } = await readRegistry(ownRegistry, 'http://127.0.0.1:8788')

const device = 'urn:ietf:params:oauth:grant-type:device_code'
const callback = ['http://127.0.0.1:9999/cb']

const usual = {
  secretHashes: [] as string[],
  jwks: { keys: [] },
  redirectUris: [] as string[],
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  audiences: ['https://api.example.test'],
  mayIntrospect: false,
  accessToken: 'broker',
  exchangesFor: [] as string[],
  keepsProviderTokens: false,
  idTokenAlgorithm: 'RS256',
  accessTokenSeconds: 300,
  idleSeconds: 2_592_000,
  absoluteSeconds: 31_536_000,
  graceSeconds: 0,
  revokedBefore: 0,
}
const onDevice = { ...usual, auth: 'none', grants: [device, 'refresh_token'] }
const inBrowser = { ...usual, grants: ['authorization_code', 'refresh_token'], redirectUris: callback }

const rows: Readonly<Record<string, object>> = {
  'demo cli': onDevice,
  'demo job': { ...onDevice, graceSeconds: 10 },
  'demo web': { ...inBrowser, auth: 'client_secret_post', secretHashes: [hashSecret('web-secret')] },
  'demo basic': { ...inBrowser, auth: 'client_secret_basic', secretHashes: [hashSecret('basic-secret')] },
  'demo spa': { ...inBrowser, auth: 'none' },
  'demo brief': { ...onDevice, idleSeconds: 2, absoluteSeconds: 6, accessTokenSeconds: 60 },
  'demo service': {
    ...usual,
    auth: 'client_secret_basic',
    secretHashes: [hashSecret('service-secret')],
    grants: ['client_credentials'],
    scopes: ['reports:read'],
  },
  'demo api': {
    ...usual,
    auth: 'client_secret_basic',
    secretHashes: [hashSecret('api-secret')],
    grants: [],
    mayIntrospect: true,
  },
  'auth0like cli': onDevice,
  'userdocs userdocs': {
    ...usual,
    auth: 'client_secret_post',
    secretHashes: [hashSecret('userdocs-secret')],
    grants: ['authorization_code'],
    redirectUris: callback,
    scopes: ['profile'],
    accessTokenSeconds: 3600,
  },
}

test('every client is as its row says, and there is no other', () => {
  const told = clients.map(({ application, clientId, displayName: _, ...rest }: Client) => [
    `${application} ${clientId}`,
    rest,
  ])
  assert.deepEqual(Object.fromEntries(told), rows)
})

test('the applications answer as their rows say and send people to the local identity provider', () => {
  const told = applications.map(({ name, errorProfile, accessTokenAlgorithm, provider }) => [
    name,
    errorProfile,
    accessTokenAlgorithm,
    provider.kind,
    provider.kind === 'oidc' ? provider.issuer : provider.tokenEndpoint,
  ])
  assert.deepEqual(told, [
    ['demo', 'rfc', 'ES256', 'oidc', 'http://127.0.0.1:8788'],
    ['auth0like', 'auth0', 'ES256', 'oidc', 'http://127.0.0.1:8788'],
    ['userdocs', 'rfc', 'RS256', 'oauth2', 'http://127.0.0.1:8788/userdocs/oauth/token'],
  ])
})
