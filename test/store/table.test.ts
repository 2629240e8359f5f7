/**
 * The creation of the table, and which errors mean that the store is out of reach.
 */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ConditionalCheckFailedException, CreateTableCommand, DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { QueryCommand } from '@aws-sdk/lib-dynamodb'
import { createSessions } from '../../shared/store/sessions.ts'
import { ask, connect, createTableIfMissing } from '../../shared/store/table.ts'
import { clientIndex, subjectIndex } from '../../shared/store/table-schema.ts'
import { Unavailable } from '../../shared/unavailable.ts'
import { startFaultProxy } from '../flows/support/fault-proxy.ts'
import { active, now } from '../support/families.ts'
import { putFamily, startTable, type TestTable } from '../support/table.ts'

let table: TestTable
before(async () => {
  table = await startTable()
})
after(() => table.stop())

test('a table that is there is left alone, and ten brokers that start at once make one', async () => {
  await createTableIfMissing(table.name)
  await Promise.all(Array.from({ length: 10 }, () => createTableIfMissing('made-by-ten')))
  const { Table: made } = await connect('made-by-ten').client.send(
    new DescribeTableCommand({ TableName: 'made-by-ten' }),
  )
  assert.deepEqual(made?.KeySchema, [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ])
})

test('a table of an earlier version gets the index that it lacks, with the families that are there', async () => {
  const client = { ...table, name: 'of-an-earlier-version' }
  await table.client.send(
    new CreateTableCommand({
      TableName: client.name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
    }),
  )
  await putFamily(client, active(3, { sid: 'early' }))
  await createTableIfMissing(client.name)
  const { Table: made } = await table.client.send(new DescribeTableCommand({ TableName: client.name }))
  const names = made?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName) ?? []
  for (const name of [clientIndex, subjectIndex]) assert.ok(names.includes(name))
  const { sids } = await createSessions(client).newest({ application: 'demo', clientIds: ['cli'] }, undefined, 10)
  assert.deepEqual(sids, ['early'])
})

test('what hinders the making of a table is thrown as it is', async () => {
  const proxy = await startFaultProxy(table.endpoint)
  process.env.AWS_ENDPOINT_URL_DYNAMODB = proxy.endpoint
  proxy.fail({ kind: 'error', status: 400, name: 'AccessDeniedException' })
  await assert.rejects(createTableIfMissing('refused'), ({ name }: Error) => name === 'AccessDeniedException')
  proxy.fail({ kind: 'error', status: 400, name: 'LimitExceededException' }, { operations: ['CreateTable'] })
  await assert.rejects(createTableIfMissing('refused'), ({ name }: Error) => name === 'LimitExceededException')
  process.env.AWS_ENDPOINT_URL_DYNAMODB = table.endpoint
  await proxy.stop()
})

test('the index finds the families of a person, with what never changes on a refresh and nothing else', async () => {
  await putFamily(table, active(3, { sid: 'one', createdAt: now }))
  await putFamily(table, active(5, { sid: 'two', createdAt: now + 1 }))
  await putFamily(table, active(1, { sid: 'other', subject: 'demo grace' }))
  const { Items: found = [] } = await table.client.send(
    new QueryCommand({
      TableName: table.name,
      IndexName: subjectIndex,
      KeyConditionExpression: 'subject = :subject',
      ExpressionAttributeValues: { ':subject': 'demo ada' },
    }),
  )
  assert.deepEqual(
    found.map(({ sid }) => sid),
    ['one', 'two'],
  )
  const kept = ['application', 'clientId', 'createdAt', 'flow', 'pk', 'sid', 'sk', 'subject']
  assert.deepEqual(Object.keys(found[0] ?? {}).sort(), kept)
})

test('ask: an answer is passed on, a failed condition and a wrong request are thrown as they are', async () => {
  assert.equal(await ask(async () => 7), 7)
  const condition = new ConditionalCheckFailedException({ message: 'no', $metadata: {} })
  await assert.rejects(
    ask(() => Promise.reject(condition)),
    condition,
  )
  const wrong = Object.assign(new Error('wrong'), { name: 'ValidationException' })
  await assert.rejects(
    ask(() => Promise.reject(wrong)),
    wrong,
  )
})

test('ask: anything else is the store out of reach, with its cause', async () => {
  for (const name of ['ThrottlingException', 'ResourceNotFoundException', 'TimeoutError', 'Error']) {
    const cause = Object.assign(new Error('at the store'), { name })
    await assert.rejects(
      ask(() => Promise.reject(cause)),
      (error) => {
        assert.ok(error instanceof Unavailable)
        assert.deepEqual([error.part, error.cause, error.retryAfterSeconds], ['store', cause, 1])
        return true
      },
    )
  }
})

test('a store that says nothing is asked three times, and given up well before a caller is', async () => {
  let asked = 0
  const silent = createServer(() => {
    asked += 1
  })
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
  process.env.AWS_ENDPOINT_URL_DYNAMODB = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const { client, name } = connect(table.name)
  const started = performance.now()
  await assert.rejects(
    ask(() => client.send(new DescribeTableCommand({ TableName: name }))),
    Unavailable,
  )
  assert.ok(performance.now() - started < 20_000, 'API Gateway waits for 29 seconds')
  assert.equal(asked, 3)
  process.env.AWS_ENDPOINT_URL_DYNAMODB = table.endpoint
  silent.closeAllConnections()
  silent.close()
})
