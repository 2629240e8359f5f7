/**
 * A table for one test file, at a DynamoDB in memory that the files of a process share.
 * Reads and writes items past the store.
 */

import { randomUUID } from 'node:crypto'
import { BatchWriteCommand, DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Family } from '../../shared/domain/family.ts'
import { connect, createTableIfMissing, type Table } from '../../shared/store/table.ts'
import { shareStore } from './dynamodb.ts'

export type TestTable = Table & {
  readonly endpoint: string
  /** Another client of the same table, as another Lambda has its own; through a proxy, if one is named. */
  another(endpoint?: string): Promise<Table>
  stop(): Promise<void>
}

export async function startTable(): Promise<TestTable> {
  const { endpoint, stop } = await shareStore()
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  })
  const name = `test-${randomUUID()}`
  await createTableIfMissing(name)
  const tables: Table[] = []
  const another = async (at = endpoint) => {
    const table = await connectTo(at, name)
    if (at === endpoint) bePatient(table)
    tables.push(table)
    return table
  }
  return {
    ...(await another()),
    endpoint,
    another,
    stop: async () => {
      for (const { close } of tables) close()
      await stop()
    },
  }
}

/** The environment is one for all, so one connects after the other. */
let connected: Promise<unknown> = Promise.resolve()

function connectTo(endpoint: string, name: string): Promise<Table> {
  const table = connected.then(() => connectNow(endpoint, name))
  connected = table.catch(() => {})
  return table
}

/** The SDK reads the endpoint from the environment at its first request, so there is one while the environment is right. */
async function connectNow(endpoint: string, name: string): Promise<Table> {
  const before = process.env.AWS_ENDPOINT_URL_DYNAMODB
  process.env.AWS_ENDPOINT_URL_DYNAMODB = endpoint
  const table = connect(name)
  await itemAt(table, 'nobody', 'nothing')
  process.env.AWS_ENDPOINT_URL_DYNAMODB = before
  return table
}

type Configurable = { updateHttpClientConfig(key: 'connectionTimeout' | 'requestTimeout', value: number): void }

/** Two hundred requests at once may take their time on a busy machine; what a time-out comes to is another test's. */
export function bePatient({ client }: Table): void {
  const handler = client.config.requestHandler as unknown as Configurable
  handler.updateHttpClientConfig('connectionTimeout', 30_000)
  handler.updateHttpClientConfig('requestTimeout', 30_000)
}

export async function itemAt({ client, name }: Table, pk: string, sk: string) {
  const { Item } = await client.send(new GetCommand({ TableName: name, Key: { pk, sk }, ConsistentRead: true }))
  return Item
}

export async function putItem({ client, name }: Table, item: Readonly<Record<string, unknown>>): Promise<void> {
  await client.send(new PutCommand({ TableName: name, Item: item }))
}

export async function deleteItem({ client, name }: Table, key: Readonly<Record<string, string>>): Promise<void> {
  await client.send(new DeleteCommand({ TableName: name, Key: key }))
}

/** A family put as it is, whatever was there. */
export function putFamily(table: Table, family: Family): Promise<void> {
  return putItem(table, familyItem(family))
}

/** As many as DynamoDB writes by one request. */
const batchLength = 25

/** As putFamily, in batches. */
export async function putFamilies({ client, name }: Table, families: readonly Family[]): Promise<void> {
  for (let at = 0; at < families.length; at += batchLength) {
    const puts = families.slice(at, at + batchLength).map((family) => ({ PutRequest: { Item: familyItem(family) } }))
    await client.send(new BatchWriteCommand({ RequestItems: { [name]: puts } }))
  }
}

const familyItem = (family: Family) => ({ pk: `family#${family.sid}`, sk: 'family', ...family })

/** The family's item without its key. */
export async function familyAt(table: Table, sid: string): Promise<Family | undefined> {
  const item = await itemAt(table, `family#${sid}`, 'family')
  if (item === undefined) return undefined
  const { pk: _, sk: __, ...family } = item
  return family as Family
}
