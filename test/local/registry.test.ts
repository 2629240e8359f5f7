/**
 * The local registry is the table of local-stack.md, row by row.
 */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Problem } from '../../local/problem.ts'
import { ownRegistry, providerClients, readRegistry } from '../../local/registry.ts'
import { hashSecret } from '../../shared/domain/secret.ts'
import { directory } from './support/directory.ts'

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
const wiremock = ['https://api.wiremock.example']
const inBrowser = { ...usual, grants: ['authorization_code', 'refresh_token'], redirectUris: callback }

const workload = (platform: string, subject: string, more = {}) => ({
  ...usual,
  auth: 'workload_identity',
  identities: [{ issuer: `http://127.0.0.1:8788/platforms/${platform}`, subject, ...more }],
  grants: ['client_credentials'],
  scopes: ['reports:read'],
})

const rows: Readonly<Record<string, object>> = {
  'demo cli': onDevice,
  'demo job': { ...onDevice, graceSeconds: 10 },
  'demo nightly': { ...onDevice, graceSeconds: 60 },
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
  'demo lambda': workload('aws', 'arn:aws:iam::123456789012:role/nightly-report'),
  'demo workflow': workload('github', 'repo:octo-org@583231/reports@1296269:environment:production', {
    claims: { repository_id: '1296269' },
  }),
  'demo cronjob': workload('kubernetes', 'system:serviceaccount:jobs:nightly-report'),
  'demo api': {
    ...usual,
    auth: 'client_secret_basic',
    secretHashes: [hashSecret('api-secret')],
    grants: [],
    mayIntrospect: true,
  },
  'auth0like cli': onDevice,
  'wiremock cli': { ...onDevice, audiences: wiremock, accessToken: 'provider', keepsProviderTokens: true },
  'wiremock worker-host': { ...onDevice, audiences: wiremock, keepsProviderTokens: true, graceSeconds: 60 },
  'wiremock worker': {
    ...usual,
    auth: 'client_secret_basic',
    secretHashes: [hashSecret('worker-secret')],
    grants: ['urn:ietf:params:oauth:grant-type:token-exchange'],
    audiences: wiremock,
    exchangesFor: ['worker', 'worker-host'],
    keepsProviderTokens: true,
  },
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
  const told = clients.map(({ application, clientId, displayName: _, ...rest }) => [`${application} ${clientId}`, rest])
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
    ['wiremock', 'rfc', 'ES256', 'oidc', 'http://127.0.0.1:8788/tenant/'],
    ['userdocs', 'rfc', 'RS256', 'oauth2', 'http://127.0.0.1:8788/userdocs/oauth/token'],
  ])
})

test('people of wiremock sign in at the tenant’s own pages, for the tenant’s API', () => {
  const { provider } = applications.find(({ name }) => name === 'wiremock')!
  assert.deepEqual([provider.deviceLogin, provider.auth], ['upstream', 'none'])
  assert.deepEqual(provider.parameters, { audience: 'https://api.wiremock.example' })
})

test('each application is a client of the provider that its people sign in at, and of no other', () => {
  const address = 'http://127.0.0.1:8788'
  const told = providerClients({ applications, clients }, address, new Map([['demo', 'the secret']]))
  assert.deepEqual(
    told.map(({ application, at, auth, secret }) => [application, at, auth, secret]),
    [
      ['demo', 'openid', 'client_secret_basic', 'the secret'],
      ['auth0like', 'openid', 'client_secret_basic', ''],
      ['wiremock', 'tenant', 'none', ''],
      ['userdocs', 'directory', 'client_secret_post', ''],
    ],
  )
  assert.deepEqual(providerClients({ applications, clients }, 'http://127.0.0.1:8789', new Map()), [])
})

async function problemOf(path: string): Promise<string> {
  const problem: unknown = await readRegistry(path, 'http://127.0.0.1:8788').catch((error: unknown) => error)
  assert.ok(problem instanceof Problem)
  return problem.message
}

test('all mistakes of a registry file are told, each with where and why, and without its secrets', async (t) => {
  const path = join(await directory(t), 'registry.json')
  const clients = [
    { clientId: 'cli', auth: 'none', secrets: ['hush-hush'] },
    { clientId: 'web', auth: 'magic' },
  ]
  const provider = { kind: 'oidc', issuer: 'ftp://x', clientId: 'y' }
  await writeFile(
    path,
    JSON.stringify({ applications: [{ name: 'Demo', displayName: 'Demo', provider, audiences: ['a'], clients }] }),
  )
  const message = await problemOf(path)
  for (const where of ['name', 'provider.issuer', 'clients[0]', 'clients[1].auth']) {
    assert.match(message, new RegExp(`^ {2}applications\\[0\\]\\.${where.replace(/[[\]]/g, '\\$&')}: \\w`, 'm'))
  }
  assert.doesNotMatch(message, /hush-hush/)
})

test('a registry file that is not there is a problem that names it and the variable', async () => {
  assert.match(
    await problemOf('nowhere/registry.json'),
    /^The registry nowhere\/registry\.json does not exist\..*REGISTRY/,
  )
})
