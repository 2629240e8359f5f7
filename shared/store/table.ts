/**
 * The connection to the table: one client, its patience, and what counts as the store being out of reach.
 *
 * With the other files of this folder the sole importer of the DynamoDB SDK. Must not know what the items mean.
 */

import {
  type AttributeDefinition,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type GlobalSecondaryIndex,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb'
import { Unavailable } from '../unavailable.ts'
import { RequestHash } from './request-hash.ts'

export type Table = { readonly client: DynamoDBClient; readonly name: string }

/**
 * Endpoint, region and credentials come from the environment, as the SDK reads it.
 * Three tries within about five seconds stay well below API Gateway's 29, whatever happens to the connection.
 */
export function connect(name: string): Table {
  const client = new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 1_500, throwOnRequestTimeout: true },
    sha256: RequestHash,
  })
  // It copies each request and answer with the sensitive parts left out, for a logger that we do not give it.
  client.middlewareStack.remove('loggerMiddleware')
  // It tells AWS of each request the versions of everything, put together and escaped anew.
  client.middlewareStack.remove('getUserAgentMiddleware')
  return { client, name }
}

/** What DynamoDB calls a request that it will never answer. */
const wrongRequests = ['ValidationException', 'SerializationException']

/** Runs one request. Anything but an answer to it is the store's fault; a request that is wrong in itself is ours, and throws as it is. */
export async function ask<Answer>(request: () => Promise<Answer>): Promise<Answer> {
  try {
    return await request()
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) throw error
    if (error instanceof Error && wrongRequests.includes(error.name)) throw error
    throw new Unavailable('store', error)
  }
}

/** The name of the index over who signed in, `<application> <sub>` × `createdAt`. */
export const subjectIndex = 'by-subject'
/** The name of the index over the keyed hash of who signed in's e-mail address, `byEmail` × `createdAt`; sparse. */
export const emailIndex = 'by-email'
/** The name of the index over who holds a session, `clientId` × `createdAt`; one name may be a client's in several applications. */
export const clientIndex = 'by-client'
/** The name of the index over what is still to be revoked elsewhere, `revocationDue` × `revokedAt`; sparse. */
export const revocationsIndex = 'revocations-due'

/** Only what a refresh never changes is in an index: otherwise each one would be written, and paid for, a second time. */
function indexes(): GlobalSecondaryIndex[] {
  return [
    index(subjectIndex, 'subject', 'createdAt', ['sid', 'application', 'clientId', 'flow']),
    index(clientIndex, 'clientId', 'createdAt', ['sid', 'application']),
    index(emailIndex, 'byEmail', 'createdAt', ['sid', 'clientId']),
    index(revocationsIndex, 'revocationDue', 'revokedAt', ['sid']),
  ]
}

function index(name: string, partitionKey: string, sortKey: string, projected: string[]): GlobalSecondaryIndex {
  return {
    IndexName: name,
    KeySchema: [
      { AttributeName: partitionKey, KeyType: 'HASH' },
      { AttributeName: sortKey, KeyType: 'RANGE' },
    ],
    Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: projected },
  }
}

const attributes: AttributeDefinition[] = [
  { AttributeName: 'pk', AttributeType: 'S' },
  { AttributeName: 'sk', AttributeType: 'S' },
  { AttributeName: 'subject', AttributeType: 'S' },
  { AttributeName: 'clientId', AttributeType: 'S' },
  { AttributeName: 'byEmail', AttributeType: 'S' },
  { AttributeName: 'createdAt', AttributeType: 'N' },
  { AttributeName: 'revocationDue', AttributeType: 'S' },
  { AttributeName: 'revokedAt', AttributeType: 'N' },
]

/**
 * Creates the table where it is missing, and the indexes that one of an earlier version lacks, for a local DynamoDB; in
 * the cloud the stack declares them.
 */
export async function createTableIfMissing(name: string): Promise<void> {
  const { client } = connect(name)
  try {
    const table = await describe(client, name)
    if (table === undefined) await createTable(client, name)
    else await addMissingIndexes(client, name, table)
  } catch (error) {
    // Another broker was quicker.
    if (!(error instanceof ResourceInUseException)) throw error
  } finally {
    client.destroy()
  }
}

async function createTable(client: DynamoDBClient, name: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: attributes,
      GlobalSecondaryIndexes: indexes(),
    }),
  )
}

/** DynamoDB makes one index at a time, and fills it by itself. */
async function addMissingIndexes(client: DynamoDBClient, name: string, table: TableDescription): Promise<void> {
  const there = table.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName) ?? []
  for (const missing of indexes().filter(({ IndexName }) => !there.includes(IndexName))) {
    const keys = missing.KeySchema?.map(({ AttributeName }) => AttributeName)
    await client.send(
      new UpdateTableCommand({
        TableName: name,
        AttributeDefinitions: attributes.filter(({ AttributeName }) => keys?.includes(AttributeName)),
        GlobalSecondaryIndexUpdates: [{ Create: missing }],
      }),
    )
  }
}

async function describe(client: DynamoDBClient, name: string): Promise<TableDescription | undefined> {
  try {
    const { Table: table } = await client.send(new DescribeTableCommand({ TableName: name }))
    return table
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}
