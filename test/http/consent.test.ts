/**
 * What a page says that a client will be able to do, by whose access token it is given.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProviderSettings } from '../../shared/domain/registration.ts'
import { requestedAccess } from '../../shared/sign-in/consent.ts'
import { aClient, anApplication } from '../support/registry.ts'

const origin = 'https://idp.example'
const asked = { scopes: ['openid', 'email', 'offline_access'], audiences: ['https://api.example.test'] }

test('a client that is given our access token is asked about with its own scopes and audiences, as they are registered', () => {
  const client = aClient({ scopes: ['openid', 'offline_access'], audiences: ['https://api.example.test/'] })
  assert.deepEqual(requestedAccess(anApplication(), client, asked, origin), {
    scopes: ['openid', 'offline_access'],
    audiences: ['https://api.example.test/'],
  })
})

test('a client that is given the provider’s is asked about with what that one carries', () => {
  const client = aClient({ accessToken: 'provider' })
  const application = anApplication()
  const provider: ProviderSettings = { ...application.provider, scopes: ['contacts:read', 'openid'] }
  assert.deepEqual(requestedAccess({ provider }, client, asked, origin), {
    scopes: ['contacts:read', 'openid', 'offline_access'],
    audiences: [origin],
  })
  const named: ProviderSettings = { ...provider, parameters: { audience: 'https://api.idp.example' } }
  const once = { ...asked, scopes: ['openid'] }
  assert.deepEqual(requestedAccess({ provider: named }, client, once, origin), {
    scopes: ['contacts:read', 'openid'],
    audiences: ['https://api.idp.example'],
  })
})
