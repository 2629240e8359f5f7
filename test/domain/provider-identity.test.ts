import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  acceptedProviders,
  formerProvidersAfter,
  identityOf,
  isSameProvider,
  providerId,
  providerSecretName,
} from '../../shared/domain/provider-identity.ts'
import type { OAuth2Settings, OidcSettings } from '../../shared/domain/registration.ts'
import { anApplication, providerDefaults } from '../support/registry.ts'

const oidc = (changes: Partial<OidcSettings> = {}): OidcSettings => ({
  ...providerDefaults,
  ...{ kind: 'oidc', issuer: 'https://idp.example', clientId: 'broker', auth: 'client_secret_basic', scopes: [] },
  ...changes,
})
const oauth2 = (changes: Partial<OAuth2Settings> = {}): OAuth2Settings => ({
  ...providerDefaults,
  ...{ kind: 'oauth2', clientId: 'broker', auth: 'none', scopes: [], body: 'form', pkce: true, claims: {} },
  authorizationEndpoint: 'https://idp.example/authorize',
  tokenEndpoint: 'https://idp.example/token',
  userinfoEndpoint: 'https://idp.example/me',
  ...changes,
})

test('a provider is identified by kind, issuer or token endpoint, and client id', () => {
  assert.deepEqual(identityOf(oidc()), { kind: 'oidc', address: 'https://idp.example', clientId: 'broker' })
  assert.deepEqual(identityOf(oauth2()), { kind: 'oauth2', address: 'https://idp.example/token', clientId: 'broker' })
  const others = [
    oidc({ issuer: 'https://idp.example/' }),
    oidc({ clientId: 'other' }),
    oidc({ issuer: 'https://idp.example/token' }),
    oauth2(),
    oauth2({ tokenEndpoint: 'https://other.example/token' }),
    oauth2({ clientId: 'other' }),
  ]
  for (const other of others) assert.ok(!isSameProvider(oidc(), other), JSON.stringify(identityOf(other)))
  assert.equal(new Set([oidc(), ...others].map(providerId)).size, others.length + 1)
})

test("other settings do not change a provider's identity", () => {
  assert.ok(isSameProvider(oidc(), oidc({ scopes: ['openid'], auth: 'none', revokeTokens: true })))
  assert.ok(isSameProvider(oauth2(), oauth2({ userinfoEndpoint: 'https://idp.example/you', body: 'json' })))
})

test("the members of a provider's identity cannot run into each other", () => {
  const [one, other] = [
    oidc({ issuer: 'https://a.example/b', clientId: 'c' }),
    oidc({ issuer: 'https://a.example/', clientId: 'bc' }),
  ]
  assert.notEqual(providerId(one), providerId(other))
})

test("a provider's secret is named by application and provider, in characters that Secrets Manager accepts", () => {
  const application = anApplication({ provider: oidc() })
  assert.match(providerSecretName(application), /^provider\/demo\/[0-9a-f]{32}$/)
  assert.notEqual(
    providerSecretName(application),
    providerSecretName({ ...application, provider: oidc({ issuer: 'https://new.example' }) }),
  )
})

test('an application accepts seals of its provider and of its latest eight former addresses', () => {
  const addresses = Array.from({ length: 12 }, (_, at) => oidc({ issuer: `https://${at}.example` }))
  let application = anApplication({ provider: addresses[0]! })
  assert.deepEqual(acceptedProviders(application), [providerId(addresses[0]!)])
  for (const provider of addresses.slice(1)) {
    application = { ...application, provider, formerProviders: formerProvidersAfter(application, provider) }
  }
  assert.deepEqual(acceptedProviders(application), addresses.slice(3).reverse().map(providerId))
})
