/**
 * Which provider an application has, and how long a warm Lambda goes by it.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { providerId } from '../../shared/domain/provider-identity.ts'
import type { OAuth2Settings, OidcSettings } from '../../shared/domain/registration.ts'
import { processParts, setProcessParts } from '../../shared/parts.ts'
import { providerOf } from '../../shared/providers/index.ts'
import { startBroker, type TestBroker } from '../support/calls.ts'
import { startProvider, type TestProvider } from '../support/provider.ts'
import { anApplication, providerDefaults } from '../support/registry.ts'
import { redirectUri, signIn } from '../support/sign-in.ts'

let broker: TestBroker
let server: TestProvider
before(async () => {
  broker = await startBroker({ applications: [], clients: [] })
  server = await startProvider()
})
after(async () => {
  await server.stop()
  await broker.stop()
})

const oidc = (): OidcSettings => ({
  ...providerDefaults,
  kind: 'oidc',
  issuer: server.issuer,
  clientId: 'broker',
  auth: 'none',
  scopes: ['openid'],
})
const oauth2 = (): OAuth2Settings => ({
  ...providerDefaults,
  ...{ kind: 'oauth2', clientId: 'broker', auth: 'none', scopes: [], body: 'form', pkce: true, claims: {} },
  authorizationEndpoint: `${server.issuer}/authorize`,
  tokenEndpoint: `${server.issuer}/token`,
  userinfoEndpoint: `${server.issuer}/userinfo`,
})

test('providerOf makes a provider of each kind', async () => {
  for (const settings of [oidc(), oauth2()]) {
    const provider = providerOf(processParts(), anApplication({ name: settings.kind, provider: settings }))
    assert.equal((await signIn(provider, server)).kind, 'signed-in')
  }
  assert.ok(server.requests.some(({ endpoint }) => endpoint === 'discovery'))
})

test('providerOf gives an application the same provider until its settings change', () => {
  const first = providerOf(processParts(), anApplication({ provider: oidc() }))
  assert.equal(providerOf(processParts(), anApplication({ provider: oidc(), displayName: 'Renamed' })), first)
  assert.notEqual(providerOf(processParts(), anApplication({ name: 'other', provider: oidc() })), first)
  assert.notEqual(
    providerOf(processParts(), anApplication({ provider: { ...oidc(), scopes: ['openid', 'email'] } })),
    first,
  )
})

test('a new broker in the same process makes its providers anew', () => {
  const first = providerOf(processParts(), anApplication({ provider: oidc() }))
  setProcessParts(undefined)
  assert.notEqual(providerOf(processParts(), anApplication({ provider: oidc() })), first)
})

test('a provider reads the secret named after its application and the provider’s identity', async () => {
  const provider = { ...oidc(), auth: 'client_secret_post' } as const
  const wanting = providerOf(processParts(), anApplication({ name: 'secretive', provider }))
  await assert.rejects(wanting.begin(redirectUri, {}), ({ cause }: Error) =>
    String(cause).includes(`provider/secretive/${providerId(provider)}`),
  )
})
