/**
 * A table as a restore brings it: a second one with the items that the first had at a moment.
 */

import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'

const mostWrites = 25

export async function restoreTable(endpoint: string, from: string, to: string): Promise<void> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials })
  const { Table: table } = await client.send(new DescribeTableCommand({ TableName: from }))
  const indexes = table?.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => ({
    ...{ IndexName, KeySchema, Projection },
  }))
  await client.send(
    new CreateTableCommand({
      ...{ TableName: to, BillingMode: 'PAY_PER_REQUEST', GlobalSecondaryIndexes: indexes },
      ...{ KeySchema: table?.KeySchema, AttributeDefinitions: table?.AttributeDefinitions },
    }),
  )
  const { Items: items = [] } = await client.send(new ScanCommand({ TableName: from, ConsistentRead: true }))
  for (let at = 0; at < items.length; at += mostWrites) {
    const puts = items.slice(at, at + mostWrites).map((Item) => ({ PutRequest: { Item } }))
    await client.send(new BatchWriteItemCommand({ RequestItems: { [to]: puts } }))
  }
  client.destroy()
}
