/**
 * A DynamoDB for a test, empty at first: an embedded one, or a part of the DynamoDB Local that scripts/test-dynamodb-local.ts has
 * started for the whole run.
 */

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startDynamodb } from '../../local/dynamodb.ts'

export type Store = { readonly endpoint: string; stop(): Promise<void> }

/** The endpoint of the DynamoDB Local of this run. */
const dynamodbLocal = process.env.TEST_DYNAMODB_LOCAL
export const isDynamodbLocal = dynamodbLocal !== undefined

export async function startStore(): Promise<Store> {
  return (await partOfDynamodbLocal()) ?? startDynamodb({ log: () => {} })
}

let shared: Promise<Store> | undefined
let users = 0

/** The store that all files of a process share. It stops with its last user. */
export async function shareStore(): Promise<Store> {
  users += 1
  shared ??= startStore()
  const { endpoint } = await shared
  return {
    endpoint,
    stop: async () => {
      users -= 1
      if (users > 0) return
      const unused = shared
      shared = undefined
      await (await unused)?.stop()
    },
  }
}

/**
 * DynamoDB Local keeps the tables of each access key apart. The key is set here, so that its user knows the endpoint alone.
 *
 * @param name a part with the same name has the same tables
 * @returns undefined where tests use the embedded DynamoDB
 */
export async function partOfDynamodbLocal(name: string = randomUUID()): Promise<Store | undefined> {
  if (dynamodbLocal === undefined) return undefined
  const accessKey = name.replaceAll(/[^A-Za-z0-9]/g, '')
  const agent = new Agent({ keepAlive: true, timeout: 5_000 })
  const server = createServer((incoming, outgoing) => pass(incoming, outgoing, dynamodbLocal, accessKey, agent))
  // Longer than any test, because a connection that ends for its age would look like a fault.
  server.keepAliveTimeout = 120_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, to: string, accessKey: string, agent: Agent): void {
  const { method, url = '/', headers } = incoming
  const authorization = headers.authorization?.replace(/Credential=[^/]*/, `Credential=${accessKey}`)
  const onward = request(new URL(url, to), { method, headers: { ...headers, authorization }, agent }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  onward.on('error', () => outgoing.destroy())
  incoming.pipe(onward)
}
