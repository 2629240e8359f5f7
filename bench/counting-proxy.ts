/**
 * A proxy between a broker and its DynamoDB that counts requests by operation, consumed units and item sizes.
 *
 * It adds `ReturnConsumedCapacity` to each request, so the DynamoDB behind it must not check signatures. Local ones do not.
 */

import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { listen, loopback } from '../local/ports.ts'
import { closeServer } from './counted-server.ts'
import { itemBytes, type WireItem } from './item-size.ts'

export type Counted = {
  /** For example `UpdateItem`. */
  readonly operation: string
  readonly writeUnits: number
  readonly readUnits: number
  /** The size of the item after the operation, if the request or the answer contains it. */
  readonly itemBytes: number | undefined
}

export type CountingProxy = {
  readonly endpoint: string
  /** Returns the requests since the last call, in order. */
  take(): Counted[]
  close(): Promise<void>
}

/** The members that are counted. */
type WireRequest = { readonly Item?: WireItem }
type WireAnswer = {
  readonly Attributes?: WireItem
  readonly Item?: WireItem
  readonly ConsumedCapacity?: { readonly CapacityUnits: number }
}

/** @param delayMs delays each answer, to simulate the distance to DynamoDB */
export async function startCountingProxy(behind: string, delayMs = 0): Promise<CountingProxy> {
  const agent = new Agent({ keepAlive: true })
  let counted: Counted[] = []
  const server = createServer((incoming, outgoing) => {
    forward(incoming, outgoing, { behind, agent, delayMs }).then(
      (one) => counted.push(one),
      () => outgoing.destroy(),
    )
  })
  server.keepAliveTimeout = 65_000
  const port = await listen(server, 0, 'PORT')
  return {
    endpoint: `http://${loopback}:${port}`,
    take: () => {
      const taken = counted
      counted = []
      return taken
    },
    close: async () => {
      agent.destroy()
      await closeServer(server)
    },
  }
}

async function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { behind, agent, delayMs }: { readonly behind: string; readonly agent: Agent; readonly delayMs: number },
): Promise<Counted> {
  const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '')
  const asked = JSON.parse(await textOf(incoming)) as WireRequest
  const body = JSON.stringify({ ...asked, ReturnConsumedCapacity: 'TOTAL' })
  const onward = request(new URL(incoming.url ?? '/', behind), {
    agent,
    method: incoming.method,
    headers: { ...incoming.headers, 'content-length': Buffer.byteLength(body) },
  })
  onward.end(body)
  const [answer] = (await once(onward, 'response')) as [IncomingMessage]
  const text = await textOf(answer)
  if (delayMs > 0) await pause(delayMs)
  const status = answer.statusCode ?? 502
  // Count before answering, because the caller may ask for the counts as soon as it has its answer.
  const counted = count(operation, asked, status, JSON.parse(text) as WireAnswer)
  outgoing.writeHead(status, { ...answer.headers, 'content-length': Buffer.byteLength(text) })
  outgoing.end(text)
  return counted
}

function count(operation: string, asked: WireRequest, status: number, answer: WireAnswer): Counted {
  const item = answer.Attributes ?? answer.Item ?? asked.Item
  const bytes = item && itemBytes(item)
  const isWrite = /^(Put|Update|Delete)/.test(operation)
  // A failed condition consumes as many units as the write would have, but the answer does not say so.
  const failed = status === 400 && isWrite ? Math.max(1, Math.ceil((bytes ?? 0) / 1024)) : 0
  const units = answer.ConsumedCapacity?.CapacityUnits ?? failed
  return { operation, writeUnits: isWrite ? units : 0, readUnits: isWrite ? 0 : units, itemBytes: bytes }
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
