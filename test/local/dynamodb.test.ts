/**
 * The local stack's DynamoDB: it never outlives the broker, and a data directory's belongs to one broker at a time.
 */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { type LocalDynamodb, startDynamodb } from '../../local/dynamodb.ts'
import { Problem } from '../../local/problem.ts'
import { closed, isListening, runScript, until } from './support/child.ts'
import { directory } from './support/directory.ts'

/** Stopped after the test, if not before. */
async function start(t: TestContext, dataDir?: string): Promise<LocalDynamodb> {
  const database = await startDynamodb({ ...(dataDir === undefined ? {} : { dataDir }), log: () => {} })
  t.after(() => database.stop())
  return database
}

const tableName = 'table-of-a-test'

function clientAt(endpoint: string): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials })
}

async function createTable(endpoint: string): Promise<void> {
  const command = new CreateTableCommand({
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  })
  await clientAt(endpoint).send(command)
}

async function tablesAt(endpoint: string): Promise<string[] | undefined> {
  return (await clientAt(endpoint).send(new ListTablesCommand())).TableNames
}

test('in memory it answers, and is gone after stop', async (t) => {
  const database = await start(t)
  assert.deepEqual(await tablesAt(database.endpoint), [])
  await database.stop()
  assert.equal(await isListening(database.endpoint), false)
})

test('in a directory its data outlive it', async (t) => {
  const path = await directory(t)
  const first = await start(t, path)
  await createTable(first.endpoint)
  await first.stop()
  const second = await start(t, path)
  assert.deepEqual(await tablesAt(second.endpoint), [tableName])
})

test('a second broker on the same directory is told whose it is, and the first one goes on', async (t) => {
  const path = await directory(t)
  const first = await start(t, path)
  await assert.rejects(start(t, path), (error: unknown) => {
    assert.ok(error instanceof Problem)
    assert.match(error.message, /Another broker runs on DATA_DIR .*AWS_ENDPOINT_URL_DYNAMODB/)
    return error.message.includes(path)
  })
  assert.deepEqual(await tablesAt(first.endpoint), [])
})

test('of brokers that start at once on one directory one gets it', async (t) => {
  const path = await directory(t)
  const settled = await Promise.allSettled(Array.from({ length: 4 }, () => start(t, path)))
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a broker gets the directory of one that is just ending', async (t) => {
  const path = await directory(t)
  const first = await start(t, path)
  const second = start(t, path)
  await first.stop()
  assert.deepEqual(await tablesAt((await second).endpoint), [])
})

test('the directory of a broker that was killed is free', async (t) => {
  const path = await directory(t)
  const broker = runScript(
    `
    import { startDynamodb } from './local/dynamodb.ts'
    const { endpoint } = await startDynamodb({ dataDir: process.env.DIRECTORY, log: () => {} })
    console.log('endpoint', endpoint)`,
    { DIRECTORY: path },
  )
  const [, endpoint = ''] = await broker.until(/endpoint (\S+)/)
  await createTable(endpoint)
  broker.process.kill('SIGKILL')
  assert.deepEqual(await tablesAt((await start(t, path)).endpoint), [tableName])
})

test('kill -9 of the broker ends the database and removes the temporary directory', async (t) => {
  const removeAtEnd = join(await directory(t), 'temporary')
  await mkdir(removeAtEnd)
  const broker = runScript(
    `
    import { startDynamodb } from './local/dynamodb.ts'
    const { endpoint } = await startDynamodb({ removeAtEnd: process.env.REMOVE, log: () => {} })
    console.log('endpoint', endpoint)`,
    { REMOVE: removeAtEnd },
  )
  const [, endpoint = ''] = await broker.until(/endpoint (\S+)/)
  assert.ok(await isListening(endpoint))
  broker.process.kill('SIGKILL')
  assert.ok((await closed(endpoint)) < 2_000)
  await until(() => !existsSync(removeAtEnd))
})

test('kill -9 of the broker’s whole process group ends and removes the same', async (t) => {
  const removeAtEnd = join(await directory(t), 'temporary')
  await mkdir(removeAtEnd)
  const broker = runScript(
    `
    import { spawn } from 'node:child_process'
    const code = \`import { startDynamodb } from './local/dynamodb.ts'
      const { endpoint } = await startDynamodb({ removeAtEnd: process.env.REMOVE, log: () => {} })
      console.log('endpoint', endpoint)\`
    const leader = spawn(process.execPath, ['--input-type=module', '--eval', code], { detached: true, stdio: 'inherit' })
    console.log('group', leader.pid)`,
    { REMOVE: removeAtEnd },
  )
  const [, group = ''] = await broker.until(/group (\d+)/)
  const [, endpoint = ''] = await broker.until(/endpoint (\S+)/)
  process.kill(-Number(group), 'SIGKILL')
  assert.ok((await closed(endpoint)) < 2_000)
  await until(() => !existsSync(removeAtEnd))
})

test('NODE_OPTIONS of the broker do not reach the supervisor', async (t) => {
  const trace = join(await directory(t), 'trace')
  const preload = "data:text/javascript,import{appendFileSync}from'node:fs';appendFileSync(process.env.TRACE,'loaded,')"
  const broker = runScript(
    `
    import { startDynamodb } from './local/dynamodb.ts'
    const database = await startDynamodb({ log: () => {} })
    await database.stop()
    console.log('done')`,
    { NODE_OPTIONS: `--import ${preload}`, TRACE: trace },
  )
  await broker.until(/done/)
  assert.equal(await readFile(trace, 'utf8'), 'loaded,')
})
