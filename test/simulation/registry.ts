/** The applications, clients and keys of the simulated broker. */

import { generateKeyPairSync } from 'node:crypto'
import { marshall } from '@aws-sdk/util-dynamodb'
import type { JWK } from 'jose'
import type { Application, Client, ProviderSettings, PublicJwk } from '../../shared/domain/registration.ts'
import { hashSecret } from '../../shared/domain/secret.ts'
import { applicationKey, clientKey } from '../../shared/store/registrations.ts'
import {
  type KeySource,
  newLookupKey,
  newMacKey,
  newSealKey,
  newSigningKey,
  randomKeys,
  writeKeyring,
} from '../../shared/tokens/keyring-secret.ts'
import { aClient, anApplication, providerDefaults } from '../support/registry.ts'
import type { Model } from './dynamodb/model.ts'
import type { Item } from './dynamodb/values.ts'
import { providerOrigin } from './provider.ts'

export const redirectUri = 'https://app.example/cb'
export const workerSecret = 'the secret of the worker, which is long enough'

/** What differs between runs. */
export type Settings = {
  readonly graceSeconds: number
  readonly revokeTokens: boolean
  readonly keepsProviderTokens: boolean
  /** With `oidc` a person's ID token is verified at each sign-in. */
  readonly provider: 'oauth2' | 'oidc'
  readonly idleSeconds: number
  readonly absoluteSeconds: number
}

const device = 'urn:ietf:params:oauth:grant-type:device_code'

function providerSettings({ provider, revokeTokens }: Settings, deviceLogin: 'broker' | 'upstream'): ProviderSettings {
  const common = { ...providerDefaults, clientId: 'broker', auth: 'none', deviceLogin, revokeTokens } as const
  if (provider === 'oidc') {
    return { ...common, kind: 'oidc', issuer: providerOrigin, scopes: ['openid', 'profile'] }
  }
  return {
    ...{ ...common, kind: 'oauth2', scopes: ['profile'], pkce: true, body: 'form', claims: {} },
    authorizationEndpoint: `${providerOrigin}/authorize`,
    tokenEndpoint: `${providerOrigin}/token`,
    userinfoEndpoint: `${providerOrigin}/userinfo`,
    revocationEndpoint: `${providerOrigin}/revoke`,
    deviceAuthorizationEndpoint: `${providerOrigin}/device`,
  }
}

/** The key of the client `signer`, which signs its assertions. */
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const signersKey = privateKey
const signersPublicKey = publicKey.export({ format: 'jwk' }) as PublicJwk

/** `demo` has the broker's own device flow, `tenant` the provider's. */
export function registryOf(settings: Settings): { applications: readonly Application[]; clients: readonly Client[] } {
  const { graceSeconds, keepsProviderTokens, idleSeconds, absoluteSeconds } = settings
  const application = (name: string, deviceLogin: 'broker' | 'upstream') =>
    anApplication({ name, provider: providerSettings(settings, deviceLogin) })
  const client = (application: string, clientId: string, changes: Partial<Client>) =>
    aClient({
      ...{ application, clientId, graceSeconds, idleSeconds, absoluteSeconds, keepsProviderTokens },
      ...{ redirectUris: [redirectUri], idTokenAlgorithm: 'ES256', accessTokenSeconds: 300, ...changes },
    })
  return {
    applications: [application('demo', 'broker'), application('tenant', 'upstream')],
    clients: [
      client('demo', 'job', { grants: ['authorization_code', 'refresh_token', device] }),
      client('demo', 'direct', { accessToken: 'provider', keepsProviderTokens: true }),
      client('demo', 'worker', {
        ...{ auth: 'client_secret_basic', secretHashes: [hashSecret(workerSecret)], exchangesFor: ['job'] },
        mayIntrospect: true,
        grants: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      }),
      client('demo', 'signer', { auth: 'private_key_jwt', jwks: { keys: [signersPublicKey] } }),
      client('tenant', 'job', { grants: ['refresh_token', device] }),
    ],
  }
}

/** The items of each settings that there are. */
const known = new Map<string, readonly Item[]>()

export function putRecords(model: Model, settings: Settings): void {
  const key = JSON.stringify(settings)
  const items = known.get(key) ?? itemsOf(settings)
  known.set(key, items)
  for (const item of items) model.run('PutItem', { Item: item }, 0)
}

function itemsOf(settings: Settings): Item[] {
  const { applications, clients } = registryOf(settings)
  const records = [
    ...applications.map((record) => ({ pk: applicationKey(record.name), sk: 'application', ...record })),
    ...clients.map((record) => ({ pk: applicationKey(record.application), sk: clientKey(record.clientId), ...record })),
    { pk: 'registry', sk: 'registry', version: 1, applications: applications.map(({ name }) => name) },
  ]
  return records.map((record) => marshall(record, { removeUndefinedValues: true }) as Item)
}

// --- keys -----------------------------------------------------------------------------------------------------------

/** Signing keys are costly to draw, and nothing depends on which ones they are. */
const pool = new Map<string, JWK[]>()
const poolSize = 3
let taken = 0

export const cheapKeys: KeySource = {
  ...randomKeys,
  signingKey: async (alg) => {
    const keys = pool.get(alg) ?? []
    pool.set(alg, keys)
    if (keys.length < (alg === 'ES256' ? poolSize : 1)) keys.push(drawKey(alg))
    taken += 1
    return keys[taken % keys.length]!
  },
}

function drawKey(alg: 'ES256' | 'RS256'): JWK {
  const { privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return privateKey.export({ format: 'jwk' }) as JWK
}

/** A keyring that has been there for an hour. No client of the simulation uses RS256. @returns the secret's text */
export async function firstKeyring(nowMs: number): Promise<string> {
  const madeAtSeconds = Math.floor(nowMs / 1000) - 3_600
  const current = { status: 'current', publishedAtSeconds: madeAtSeconds, usedFromSeconds: madeAtSeconds } as const
  const next = { status: 'next', publishedAtSeconds: madeAtSeconds } as const
  return writeKeyring({
    ...{ version: 2, serial: 1, madeAtSeconds },
    signing: [await newSigningKey(cheapKeys, 'ES256', current), await newSigningKey(cheapKeys, 'ES256', next)],
    mac: [newMacKey(cheapKeys, 1, current), newMacKey(cheapKeys, 2, next)],
    seal: [newSealKey(cheapKeys, current), newSealKey(cheapKeys, next)],
    lookup: newLookupKey(cheapKeys, madeAtSeconds),
  })
}
