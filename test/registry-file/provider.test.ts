import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { providerDefaults } from '../support/registry.ts'
import { application, client, file, inProvider, type Json, mistakesIn, registryOf } from '../support/registry-file.ts'

describe('a provider', () => {
  test('an oauth2 provider has its own endpoints and defaults', () => {
    const endpoints = {
      authorizationEndpoint: 'https://p.example/a',
      tokenEndpoint: 'https://p.example/t',
      userinfoEndpoint: 'https://p.example/u',
    }
    const { applications } = registryOf(
      file(application({ provider: { kind: 'oauth2', clientId: 'b', ...endpoints } })),
    )
    const defaults = { auth: 'client_secret_basic', scopes: [], body: 'form', pkce: true, claims: {} }
    assert.deepEqual(applications[0]?.provider, {
      ...{ kind: 'oauth2', clientId: 'b', ...endpoints },
      ...defaults,
      ...providerDefaults,
    })
  })

  test("the provider's tokens are stored only for clients that may get them, or to revoke them", () => {
    const exchanging = {
      ...{ auth: 'client_secret_post', secrets: ['s'] },
      grants: ['urn:ietf:params:oauth:grant-type:token-exchange'],
    }
    const kept = (provider: Json, ...clients: Json[]) =>
      registryOf(
        file(
          application(
            { provider: { kind: 'oidc', issuer: 'https://idp.example', clientId: 'b', ...provider } },
            ...clients,
          ),
        ),
      )
        .clients.filter(({ keepsProviderTokens }) => keepsProviderTokens)
        .map(({ clientId }) => clientId)
    const [a, b] = [client({ clientId: 'a' }), client({ clientId: 'b' })]
    assert.deepEqual(kept({}, a, b), [])
    assert.deepEqual(kept({}, client({ clientId: 'a', accessToken: 'provider' }), b), ['a'])
    assert.deepEqual(kept({}, client({ clientId: 'a', ...exchanging }), b), ['a'])
    assert.deepEqual(kept({}, client({ clientId: 'a', ...exchanging, exchangesFor: ['b'] }), b), ['a', 'b'])
    assert.deepEqual(kept({ revokeTokens: true }, a, b), ['a', 'b'])
  })

  test("a client with stored provider's tokens cannot have sessions longer than a seal key is kept", () => {
    const long = client({ clientId: 'long', absoluteSeconds: 31_536_001 })
    const given = client({ clientId: 'given', absoluteSeconds: 31_536_001, accessToken: 'provider' })
    assert.deepEqual(mistakesIn(file(application({}, long))), [])
    assert.deepEqual(mistakesIn(file(application({}, long, given))), [
      {
        where: 'applications[0].clients[1].absoluteSeconds',
        why: "must not be above 31536000 (365 days) where the provider's tokens are kept",
      },
    ])
  })

  test('a client with token exchange may exchange for itself and the clients it names', () => {
    const grants = ['urn:ietf:params:oauth:grant-type:token-exchange']
    const authenticating = { auth: 'client_secret_post', secrets: ['s'] }
    const a = client({ clientId: 'a', ...authenticating, grants, exchangesFor: ['b', 'a'] })
    const { clients } = registryOf(file(application({}, a, client({ clientId: 'b' }))))
    assert.deepEqual(
      clients.map(({ exchangesFor }) => exchangesFor),
      [['a', 'b'], []],
    )
  })

  test("a provider's URL needs https, except at a loopback address, and holds no password", () => {
    for (const issuer of [
      'http://idp.example',
      'ftp://idp.example',
      'idp.example',
      'https://u:p@idp.example',
      'https://idp.example#x',
    ]) {
      assert.deepEqual(
        inProvider({ issuer }).map(({ where }) => where),
        ['applications[0].provider.issuer'],
        issuer,
      )
    }
    for (const issuer of ['https://idp.example/tenant', 'http://127.0.0.1:8788', 'http://localhost:1'])
      assert.deepEqual(inProvider({ issuer }), [], issuer)
  })

  test("a provider's parameters must not replace those of the broker", () => {
    for (const name of ['client_id', 'client_secret', 'redirect_uri', 'state', 'code_challenge', 'request']) {
      assert.deepEqual(
        inProvider({ parameters: { [name]: 'x' } }).map(({ why }) => why),
        ['is set by the broker'],
        name,
      )
    }
    assert.deepEqual(inProvider({ parameters: { audience: 'https://api.example', access_type: 'offline' } }), [])
  })

  test('an oauth2 provider with deviceLogin upstream or revokeTokens needs the endpoint', () => {
    const endpoints = {
      authorizationEndpoint: 'https://p.example/a',
      tokenEndpoint: 'https://p.example/t',
      userinfoEndpoint: 'https://p.example/u',
    }
    const inOAuth2 = (changes: Json) =>
      mistakesIn(file(application({ provider: { kind: 'oauth2', clientId: 'b', ...endpoints, ...changes } })))
    assert.deepEqual(
      inOAuth2({ deviceLogin: 'upstream', revokeTokens: true }).map(({ why }) => why),
      ['deviceLogin "upstream" needs deviceAuthorizationEndpoint', 'revokeTokens needs revocationEndpoint'],
    )
    const more = { deviceAuthorizationEndpoint: 'https://p.example/d', revocationEndpoint: 'https://p.example/r' }
    assert.deepEqual(inOAuth2({ deviceLogin: 'upstream', revokeTokens: true, ...more }), [])
  })
})
