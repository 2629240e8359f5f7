/**
 * Stands between the store and a DynamoDB, and keeps families out of its indexes' answers: as an index does that has not
 * caught up with the table. Or counts what is asked, and leaves keys of a batch unread.
 *
 * Owns those two faults. Must not know who looks for the families.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type LaggingIndex = {
  readonly endpoint: string
  /** Families that no index shows for now, by sid. */
  readonly hidden: Set<string>
  /** How many of the next batches come back with their last key unread. */
  leaveUnread: number
  /** Operations in their order. */
  readonly asked: string[]
  stop(): void
}

type Answer = { Items?: { sid?: { S: string } }[]; Responses?: object; UnprocessedKeys?: object }

export async function startLaggingIndex(behind: string): Promise<LaggingIndex> {
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '')
    lagging.asked.push(operation)
    const request = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    const unread = operation === 'BatchGetItem' && lagging.leaveUnread > 0 ? leaveOut(request) : undefined
    if (unread !== undefined) lagging.leaveUnread -= 1
    const headers = ['x-amz-target', 'authorization', 'x-amz-date', 'content-type']
    const passed = await fetch(behind, {
      method: 'POST',
      headers: Object.fromEntries(headers.map((name) => [name, String(incoming.headers[name])])),
      body: JSON.stringify(request),
    })
    const answer = (await passed.json()) as Answer
    if (request.IndexName !== undefined && answer.Items !== undefined) {
      answer.Items = answer.Items.filter(({ sid }) => !lagging.hidden.has(sid?.S ?? ''))
    }
    if (unread !== undefined) answer.UnprocessedKeys = unread
    outgoing.writeHead(passed.status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const lagging: LaggingIndex = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hidden: new Set(),
    leaveUnread: 0,
    asked: [],
    stop: () => void server.close().closeAllConnections(),
  }
  return lagging
}

type Batch = { RequestItems: Record<string, { Keys: object[] }> }

/** Takes the last key off a batch of more than one. @returns what DynamoDB says of keys that it did not come to */
function leaveOut({ RequestItems }: Batch): object | undefined {
  const [[table, request] = ['', { Keys: [] }]] = Object.entries(RequestItems)
  if (request.Keys.length < 2) return undefined
  return { [table]: { ...request, Keys: [request.Keys.pop()] } }
}
