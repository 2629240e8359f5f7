/**
 * The peer node-oidc-provider, with an adapter for DynamoDB and with ES256 JWTs as access tokens, which it does not store.
 *
 * The package contains no adapter. This one follows its documentation, with one request per call.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { type Adapter, type AdapterPayload } from 'oidc-provider'
import { announce } from '../../servers/announce.ts'

const TableName = process.env.TABLE_NAME!
const client = DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } })
const resource = 'https://api.example.test'
const scope = 'offline_access reports:read'

class DynamodbAdapter implements Adapter {
  readonly #kind: string
  constructor(kind: string) {
    this.#kind = kind
  }
  #key(id: string) {
    return { pk: `${this.#kind}#${id}`, sk: 'item' }
  }
  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const expires = Math.floor(Date.now() / 1000) + expiresIn
    const Item = { ...this.#key(id), payload, grantId: payload.grantId, expires }
    await client.send(new PutCommand({ TableName, Item }))
  }
  async find(id: string): Promise<AdapterPayload | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName, Key: this.#key(id), ConsistentRead: true }))
    return Item?.payload as AdapterPayload | undefined
  }
  async consume(id: string): Promise<void> {
    const now = Math.floor(Date.now() / 1000)
    const consumed = client.send(
      new UpdateCommand({
        TableName,
        Key: this.#key(id),
        ConditionExpression: 'attribute_exists(pk)',
        UpdateExpression: 'SET payload.#consumed = :now',
        ExpressionAttributeNames: { '#consumed': 'consumed' },
        ExpressionAttributeValues: { ':now': now },
      }),
    )
    await consumed.catch((error: unknown) => {
      // Destroyed in the meantime.
      if (!(error instanceof ConditionalCheckFailedException)) throw error
    })
  }
  async destroy(id: string): Promise<void> {
    await client.send(new DeleteCommand({ TableName, Key: this.#key(id) }))
  }
  async revokeByGrantId(grantId: string): Promise<void> {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName,
        IndexName: 'grantId',
        KeyConditionExpression: 'grantId = :grantId',
        ExpressionAttributeValues: { ':grantId': grantId },
      }),
    )
    for (const { pk, sk } of Items) await client.send(new DeleteCommand({ TableName, Key: { pk, sk } }))
  }
  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
}

const { privateKey } = await generateKeyPair('ES256', { extractable: true })
const server = createServer()
server.keepAliveTimeout = 65_000
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const provider = new Provider(url, {
  adapter: DynamodbAdapter,
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' }] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  clients: [
    {
      client_id: 'cli',
      token_endpoint_auth_method: 'none',
      grant_types: ['refresh_token', 'authorization_code'],
      redirect_uris: ['http://127.0.0.1:9999/cb'],
    },
  ],
  rotateRefreshToken: true,
  cookies: { keys: ['bench'] },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  ttl: { AccessToken: 300, RefreshToken: 2_592_000, Grant: 2_592_000 },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'reports:read',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})
provider.on('server_error', (_, error) => console.error(error))
server.on('request', provider.callback())
announce(url, startSession)

/** Creates a grant and a refresh token through the provider's own models. */
async function startSession(): Promise<string> {
  const accountId = 'auth0|65f1c0d2a9b34e7f8c6d5e40'
  const grant = new provider.Grant({ accountId, clientId: 'cli' })
  grant.addOIDCScope('offline_access')
  grant.addResourceScope(resource, 'reports:read')
  const grantId = await grant.save()
  const found = (await provider.Client.find('cli'))!
  const token = new provider.RefreshToken({
    accountId,
    client: found,
    grantId,
    scope,
    resource,
    gty: 'authorization_code',
    authTime: Math.floor(Date.now() / 1000),
    expiresWithSession: false,
    claims: {},
  } as ConstructorParameters<typeof provider.RefreshToken>[0])
  return token.save()
}
