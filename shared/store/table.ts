/**
 * The connection to the table: one client, its patience, and what counts as the store being out of reach.
 *
 * With the other files of this folder the sole importer of the DynamoDB SDK. Must not know what the items mean.
 */

import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb'
import { Unavailable } from '../unavailable.ts'

export type Table = { readonly client: DynamoDBClient; readonly name: string }

/**
 * Endpoint, region and credentials come from the environment, as the SDK reads it.
 * Three tries within about five seconds stay well below API Gateway's 29, whatever happens to the connection.
 */
export function connect(name: string): Table {
  const client = new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 1_500, throwOnRequestTimeout: true },
  })
  // It copies each request and answer with the sensitive parts left out, for a logger that we do not give it.
  client.middlewareStack.remove('loggerMiddleware')
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

/** Creates the table where it is missing, for a local DynamoDB; in the cloud the stack declares it. */
export async function createTableIfMissing(name: string): Promise<void> {
  const { client } = connect(name)
  try {
    if (await exists(client, name)) return
    await client.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
          { AttributeName: 'subject', AttributeType: 'S' },
          { AttributeName: 'createdAt', AttributeType: 'N' },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: subjectIndex,
            KeySchema: [
              { AttributeName: 'subject', KeyType: 'HASH' },
              { AttributeName: 'createdAt', KeyType: 'RANGE' },
            ],
            Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['sid', 'application', 'clientId', 'flow'] },
          },
        ],
      }),
    )
  } catch (error) {
    // Another broker was quicker.
    if (!(error instanceof ResourceInUseException)) throw error
  } finally {
    client.destroy()
  }
}

async function exists(client: DynamoDBClient, name: string): Promise<boolean> {
  try {
    await client.send(new DescribeTableCommand({ TableName: name }))
    return true
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false
    throw error
  }
}
