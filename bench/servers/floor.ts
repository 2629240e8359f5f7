/**
 * The floor: what a refresh would cost if it were nothing but its write and its signature. A bare server that for each
 * request makes one conditional UpdateItem and one ES256 signature.
 *
 * Owns that server. Its client of DynamoDB, its table, its items and its way to sign are the broker's own, so that the two
 * differ in nothing but what the broker does on top. Must not check, log or translate anything.
 */

import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { createFamilies } from '../../shared/store/families.ts'
import { connect } from '../../shared/store/table.ts'
import { signJwt } from '../../shared/tokens/jwt.ts'
import { refreshedSession } from '../families.ts'
import { announce } from './announce.ts'

/** More than requests at once, so that no two of them meet at one item. */
const itemCount = 64

type Item = { readonly sid: string; generation: number }

const table = connect(process.env.TABLE_NAME!)
const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signingKey = { kid: 'floor', alg: 'ES256', key } as const
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
  const families = createFamilies(table)
  return Promise.all(Array.from({ length: count }, () => refreshedSession(families)))
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  incoming.resume()
  await once(incoming, 'end')
  const item = free.shift()!
  await advance(table.client, item)
  free.push(item)
  const body = JSON.stringify({ access_token: sign(item) })
  outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  outgoing.end(body)
}

async function advance(client: DynamoDBClient, item: Item): Promise<void> {
  await client.send(
    new UpdateItemCommand({
      TableName: table.name,
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

function sign({ sid }: Item): string {
  const iat = Math.floor(Date.now() / 1000)
  return signJwt(signingKey, 'at+jwt', { sub: 'somebody', sid, iat, exp: iat + 300 })
}
