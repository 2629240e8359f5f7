/**
 * The floor: a bare server that makes one conditional UpdateItem and one ES256 signature for each request.
 *
 * It uses the SDK's client and jose directly, and none of the broker's own code. Otherwise an improvement of that code would
 * also lower the floor, and look like a regression (docs/decisions/0031). Table and items are the same.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { generateKeyPair, SignJWT } from 'jose'
import { createFamilies } from '../../shared/store/families.ts'
import { connect } from '../../shared/store/table.ts'
import { refreshedSession } from '../families.ts'
import { announce } from './announce.ts'

/** More items than simultaneous requests, so that no two requests write the same item. */
const itemCount = 64

type Item = { readonly sid: string; generation: number }

const tableName = process.env.TABLE_NAME!
const client = new DynamoDBClient({})
const { privateKey } = await generateKeyPair('ES256')
const free = await putItems(itemCount)

const server = createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch((error: unknown) => {
    console.error(error)
    outgoing.destroy()
  })
})
server.keepAliveTimeout = 65_000
server.listen(0, '127.0.0.1')
await once(server, 'listening')
announce(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

async function putItems(count: number): Promise<Item[]> {
  const families = createFamilies(connect(tableName))
  return Promise.all(Array.from({ length: count }, () => refreshedSession(families)))
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  incoming.resume()
  await once(incoming, 'end')
  const item = free.shift()!
  await advance(item)
  free.push(item)
  const body = JSON.stringify({ access_token: await sign(item) })
  outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  outgoing.end(body)
}

async function advance(item: Item): Promise<void> {
  await client.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { pk: { S: `family#${item.sid}` }, sk: { S: 'family' } },
      ConditionExpression: 'generation = :now',
      UpdateExpression: 'SET generation = :next',
      ExpressionAttributeValues: {
        ':now': { N: String(item.generation) },
        ':next': { N: String(item.generation + 1) },
      },
    }),
  )
  item.generation += 1
}

function sign({ sid }: Item): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  return new SignJWT({ sub: 'somebody', sid, iat, exp: iat + 300 })
    .setProtectedHeader({ typ: 'at+jwt', alg: 'ES256', kid: 'floor' })
    .sign(privateKey)
}
