/**
 * The connection to the table: its client, its time limits, and which errors mean that the store is out of reach.
 */

import { setTimeout as pause } from 'node:timers/promises'
import {
  type AttributeDefinition,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type GlobalSecondaryIndex,
  type KeySchemaElement,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  TransactionCanceledException,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import toFastProperties from 'to-fast-properties'
import { Unavailable } from '../unavailable.ts'
import { RequestHash } from './request-hash.ts'
import { type IndexSchema, indexes, type KeyAttribute, tableKeys } from './table-schema.ts'

export type Table = {
  readonly client: DynamoDBDocumentClient
  readonly name: string
  /** Ends the connections. */
  readonly close: () => void
}

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
  // It copies every request and answer for a logger that this client does not have.
  client.middlewareStack.remove('loggerMiddleware')
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })
  // The SDK copies this object three times per request, and V8 takes 18 µs for a copy of what the SDK made (docs/decisions/0031).
  toFastProperties(documents.config)
  return { client: documents, name, close: () => client.destroy() }
}

/** Errors of DynamoDB for a request that is wrong, which a retry cannot mend. */
const wrongRequests = ['ValidationException', 'SerializationException']

/**
 * Runs one request. A condition that does not hold is an answer, and a request that is wrong in itself is a fault of ours;
 * both are thrown as they are.
 *
 * @throws {Unavailable} for everything else
 */
export async function ask<Answer>(request: () => Promise<Answer>): Promise<Answer> {
  try {
    return await request()
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException || error instanceof TransactionCanceledException) throw error
    if (error instanceof Error && wrongRequests.includes(error.name)) throw error
    throw new Unavailable('store', error)
  }
}

const allKeys = [tableKeys, ...indexes].flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey])

function definitionsOf(keys: readonly KeyAttribute[]): AttributeDefinition[] {
  const types = new Map(keys.map(({ name, type }) => [name, type]))
  return [...types].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }))
}

function keySchemaOf({ partitionKey, sortKey }: Pick<IndexSchema, 'partitionKey' | 'sortKey'>): KeySchemaElement[] {
  return [
    { AttributeName: partitionKey.name, KeyType: 'HASH' },
    { AttributeName: sortKey.name, KeyType: 'RANGE' },
  ]
}

function indexOf(index: IndexSchema): GlobalSecondaryIndex {
  return {
    IndexName: index.name,
    KeySchema: keySchemaOf(index),
    Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...index.projected] },
  }
}

/** Creates the table, or the indexes that it lacks, in a local DynamoDB. In the cloud the stack declares them. */
export async function createTableIfMissing(name: string): Promise<void> {
  const { client, close } = connect(name)
  try {
    const table = await describe(client, name)
    if (table === undefined) await createTable(client, name)
    else await addMissingIndexes(client, name, table)
  } catch (error) {
    // Another broker has created it meanwhile.
    if (!(error instanceof ResourceInUseException)) throw error
  } finally {
    close()
  }
}

async function createTable(client: DynamoDBDocumentClient, name: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: keySchemaOf(tableKeys),
      AttributeDefinitions: definitionsOf(allKeys),
      GlobalSecondaryIndexes: indexes.map(indexOf),
    }),
  )
}

/** DynamoDB creates one index at a time, and fills it by itself. */
async function addMissingIndexes(client: DynamoDBDocumentClient, name: string, table: TableDescription): Promise<void> {
  const there = table.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName) ?? []
  for (const missing of indexes.filter(({ name }) => !there.includes(name))) {
    await client.send(
      new UpdateTableCommand({
        TableName: name,
        AttributeDefinitions: definitionsOf([missing.partitionKey, missing.sortKey]),
        GlobalSecondaryIndexUpdates: [{ Create: indexOf(missing) }],
      }),
    )
    while (await isCreatingIndex(client, name)) await pause(100)
  }
}

async function isCreatingIndex(client: DynamoDBDocumentClient, name: string): Promise<boolean> {
  const { GlobalSecondaryIndexes: made = [] } = (await describe(client, name)) ?? {}
  return made.some(({ IndexStatus }) => IndexStatus === 'CREATING')
}

async function describe(client: DynamoDBDocumentClient, name: string): Promise<TableDescription | undefined> {
  try {
    const { Table: table } = await client.send(new DescribeTableCommand({ TableName: name }))
    return table
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}
