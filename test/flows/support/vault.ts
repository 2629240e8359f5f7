/**
 * An application whose clients are given the provider's tokens, at a provider that fails when told to.
 *
 * Owns its row in the registry and its callers. Must not know any case.
 */
import { type AttributeValue, DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { FallibleProvider } from '../../support/fallible-provider.ts'
import type { Broker } from './broker.ts'
import type { Caller } from './callers.ts'
import { call, callbackUri, deviceGrant } from './endpoints.ts'
import type { FaultProxy } from './fault-proxy.ts'
import { type CodeSession, code } from './flows.ts'
import type { RegistryCopy, Row } from './registry.ts'
import type { Answer } from './wire.ts'

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

const confidential = (clientId: string): Caller => ({
  ...{ application: 'vaulted', clientId, auth: 'client_secret_post', secret: `${clientId}-secret` },
})

/** Is given the provider's access token. */
export const agent = confidential('agent')
/** The same, with graceSeconds 10. */
export const graced = confidential('graced')
/** Is given ours. */
export const host = confidential('host')
/** Is given the provider's access token, for ten minutes. */
export const brief = confidential('brief')
/** Is given ours, for one or both of two audiences. */
export const wide = confidential('wide')
/** May exchange the tokens of `host` and `wide`. */
export const worker = confidential('worker')
/** May exchange its own, and has none. */
export const stranger = confidential('stranger')
/** A public client on the device flow, given the provider's access token. */
export const device: Caller = { application: 'vaulted', clientId: 'device', auth: 'none' }

export function addVaulted(registry: RegistryCopy, provider: FallibleProvider, settings: Row = {}): void {
  const client = ({ clientId, secret }: Caller, more: Row): Row => ({
    ...{ clientId, auth: 'client_secret_post', secrets: [secret], redirectUris: [callbackUri] },
    ...{ grants: ['authorization_code', 'refresh_token'] },
    ...more,
  })
  registry.addApplication({
    name: 'vaulted',
    displayName: 'Vaulted',
    provider: { ...provider.registration('oidc'), ...settings },
    audiences: ['https://api.example.test'],
    clients: [
      client(agent, { accessToken: 'provider' }),
      client(graced, { accessToken: 'provider', graceSeconds: 10 }),
      client(brief, { accessToken: 'provider', idleSeconds: 600, absoluteSeconds: 600 }),
      client(host, {}),
      client(wide, { audiences: ['https://one.example', 'https://two.example'] }),
      client(worker, { grants: [exchangeGrant], exchangesFor: ['host', 'wide'] }),
      client(stranger, { grants: [exchangeGrant] }),
      { clientId: 'device', auth: 'none', grants: [deviceGrant, 'refresh_token'], accessToken: 'provider' },
    ],
  })
}

export type Parts = { readonly provider: FallibleProvider; readonly store: FaultProxy; readonly broker: Broker }

/** A session whose access token of the provider is over. What the provider was asked for it is forgotten. */
export async function staleSession({ provider, store, broker }: Parts, caller: Caller): Promise<CodeSession> {
  const session = await code(broker, caller)
  await expireAll(store.endpoint)
  provider.forget()
  return session
}

/** RFC 8693 §2.1 */
export function exchangeToken(broker: Broker, caller: Caller, subjectToken: string, extra = {}): Promise<Answer> {
  return call(broker, caller, 'token', {
    grant_type: exchangeGrant,
    subject_token: subjectToken,
    subject_token_type: accessTokenType,
    ...extra,
  })
}

/** The items of the table, as they lie there. */
export async function wholeTable(dynamodb: string): Promise<readonly Record<string, AttributeValue>[]> {
  const client = clientOf(dynamodb)
  const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName() }))
  client.destroy()
  return Items
}

/** As if the time of every access token of the provider that is kept were over: nobody waits for that. */
export function expireAll(dynamodb: string): Promise<void> {
  return changeAll(dynamodb, 'SET refreshAt = :past, expiresAt = :past REMOVE retryAt', { ':past': { N: '0' } })
}

/** As if whoever is asking the provider had been at it for too long. */
export function endLeases(dynamodb: string): Promise<void> {
  return changeAll(dynamodb, 'REMOVE leaseUntil')
}

async function changeAll(dynamodb: string, change: string, values?: Record<string, AttributeValue>): Promise<void> {
  const client = clientOf(dynamodb)
  for (const { pk, sk } of await wholeTable(dynamodb)) {
    if (pk === undefined || !sk?.S?.startsWith('provider#')) continue
    await client.send(
      new UpdateItemCommand({
        TableName: tableName(),
        Key: { pk, sk },
        UpdateExpression: change,
        ExpressionAttributeValues: values,
      }),
    )
  }
  client.destroy()
}

/** That of the broker in this process, or the one that every broker in its own process has. */
const tableName = () => process.env.TABLE_NAME ?? 'token-broker'

function clientOf(endpoint: string): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials })
}
