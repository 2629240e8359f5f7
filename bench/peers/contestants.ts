/**
 * The servers that are compared: how to start each, create its sessions, and ask it for a refresh.
 */

import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Caller, createCaller, type Form } from '../caller.ts'
import { application, approveDevice } from '../families.ts'
import { startServer } from '../processes.ts'
import type { Stage } from '../stage.ts'

export type Contestant = {
  readonly name: string
  /** How the server is set up, for the reader of the figures. */
  readonly settings: string
  start(stage: Stage, dynamodbEndpoint?: string): Promise<Running>
}

export type Running = {
  /** @returns the successor, or undefined if the token was refused */
  refresh(refreshToken: string): Promise<string | undefined>
  sessions(count: number): Promise<readonly string[]>
  cpuMs(): Promise<number>
  close(): Promise<void>
}

export const contestants: readonly Contestant[] = [
  broker('Token Broker', 'a client with graceSeconds 10, for which a lost answer costs nothing', 'job'),
  broker('Token Broker, strict', 'a client with graceSeconds 0, the default', 'cli'),
  peer('node-oidc-provider', 'rotateRefreshToken: true, JWT access tokens (ES256), a plain DynamoDB adapter', {
    server: 'oidc-provider',
    path: '/token',
  }),
  peer('openauth', 'its own DynamoDB storage and its defaults: a used token stays good for 60 s', {
    server: 'openauth',
    path: '/token',
  }),
]

function broker(name: string, settings: string, clientId: string): Contestant {
  return {
    name,
    settings,
    async start(stage, dynamodbEndpoint) {
      const server = await startServer('broker', environmentOf(stage, {}, dynamodbEndpoint))
      const caller = createCaller(server.url)
      const refresh = refreshAt(caller, `/${application}/oauth/token/refresh`, clientId)
      return {
        refresh,
        cpuMs: server.cpuMs,
        sessions: (count) =>
          Promise.all(Array.from({ length: count }, () => signIn(stage, caller, clientId).then(refresh).then(given))),
        close: () => closeBoth(caller, server),
      }
    },
  }
}

/** Creates a session by the device flow. @returns its refresh token */
async function signIn({ families, macKey }: Stage, caller: Caller, clientId: string): Promise<string> {
  const scope = 'openid profile email offline_access'
  const started = await caller.post(`/${application}/oauth/device_authorization`, { client_id: clientId, scope })
  const { device_code } = JSON.parse(started.text) as { device_code: string }
  await approveDevice(families, macKey, device_code)
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
  const form = { grant_type, client_id: clientId, device_code }
  const { text } = await caller.post(`/${application}/oauth/token/device`, form)
  return (JSON.parse(text) as { refresh_token: string }).refresh_token
}

function peer(name: string, settings: string, place: { readonly server: string; readonly path: string }): Contestant {
  return {
    name,
    settings,
    async start(stage, dynamodbEndpoint) {
      const TABLE_NAME = `bench-${place.server}`
      await createTableOnce(TABLE_NAME)
      const environment = environmentOf(stage, { TABLE_NAME }, dynamodbEndpoint)
      const server = await startServer(`../peers/servers/${place.server}`, environment)
      const caller = createCaller(server.url)
      return {
        refresh: refreshAt(caller, place.path, 'cli'),
        sessions: server.sessions,
        cpuMs: server.cpuMs,
        close: () => closeBoth(caller, server),
      }
    },
  }
}

function environmentOf({ environment, dynamodbEndpoint }: Stage, own: Form, endpoint = dynamodbEndpoint) {
  return { ...environment, ...own, AWS_ENDPOINT_URL_DYNAMODB: endpoint, NODE_ENV: 'production' }
}

function refreshAt(caller: Caller, path: string, clientId: string) {
  return async (refreshToken: string) => {
    const form = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken }
    const { status, text } = await caller.post(path, form)
    if (status !== 200) return undefined
    return (JSON.parse(text) as { refresh_token: string }).refresh_token
  }
}

function given(token: string | undefined): string {
  if (token === undefined) throw new Error('A new session of the bench could not be refreshed')
  return token
}

async function closeBoth(caller: Caller, server: { close(): Promise<void> }): Promise<void> {
  caller.close()
  await server.close()
}

/** Creates the table of a peer. All have the same keys, and the index that the adapter of node-oidc-provider queries. */
async function createTableOnce(TableName: string): Promise<void> {
  const client = new DynamoDBClient({})
  const text = (name: string) => ({ AttributeName: name, AttributeType: 'S' as const })
  try {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['pk', 'sk', 'grantId'].map(text),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'grantId',
            KeySchema: [{ AttributeName: 'grantId', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'KEYS_ONLY' },
          },
        ],
      }),
    )
  } catch (error) {
    if ((error as Error).name !== 'ResourceInUseException') throw error
  } finally {
    client.destroy()
  }
}
