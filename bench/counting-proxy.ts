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
  /** `UpdateItem` and its like. */
  readonly operation: string
  readonly writeUnits: number
  readonly readUnits: number
  /** Of the item as it is afterwards, where that is told. */
  readonly itemBytes: number | undefined
}

export type CountingProxy = {
  readonly endpoint: string
  /** What has come since the last time, in order. */
  take(): Counted[]
  close(): Promise<void>
}

/** As far as it matters here. */
type WireRequest = { readonly Item?: WireItem }
type WireAnswer = {
  readonly Attributes?: WireItem
  readonly Item?: WireItem
  readonly ConsumedCapacity?: { readonly CapacityUnits: number }
}

/** @param awayMs how much later each answer arrives, as from a DynamoDB that is so far away */
export async function startCountingProxy(behind: string, awayMs = 0): Promise<CountingProxy> {
  const agent = new Agent({ keepAlive: true })
  let counted: Counted[] = []
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing, { behind, agent, awayMs }).then(
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

async function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { behind, agent, awayMs }: { readonly behind: string; readonly agent: Agent; readonly awayMs: number },
): Promise<Counted> {
  const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '')
  const asked = JSON.parse(await textOf(incoming)) as WireRequest
  const body = JSON.stringify({ ...asked, ReturnConsumedCapacity: 'TOTAL' })
  const onward = request(new URL(incoming.url ?? '/', behind), {
    ...{ agent, method: incoming.method },
    headers: { ...incoming.headers, 'content-length': Buffer.byteLength(body) },
  })
  onward.end(body)
  const [answer] = (await once(onward, 'response')) as [IncomingMessage]
  const text = await textOf(answer)
  if (awayMs > 0) await pause(awayMs)
  const status = answer.statusCode ?? 502
  // Counted before the caller can know: it may ask for the books as soon as it has its answer.
  const counted = count(operation, asked, status, JSON.parse(text) as WireAnswer)
  outgoing.writeHead(status, { ...answer.headers, 'content-length': Buffer.byteLength(text) })
  outgoing.end(text)
  return counted
}

function count(operation: string, asked: WireRequest, status: number, answer: WireAnswer): Counted {
  const item = answer.Attributes ?? answer.Item ?? asked.Item
  const bytes = item && itemBytes(item)
  const isWrite = /^(Put|Update|Delete)/.test(operation)
  // A condition that does not hold consumes what the write would have, and the answer does not tell.
  const failed = status === 400 && isWrite ? Math.max(1, Math.ceil((bytes ?? 0) / 1024)) : 0
  const units = answer.ConsumedCapacity?.CapacityUnits ?? failed
  return { operation, writeUnits: isWrite ? units : 0, readUnits: isWrite ? 0 : units, itemBytes: bytes }
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
