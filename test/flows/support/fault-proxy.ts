/**
 * Stands between a broker and its DynamoDB: counts the requests of each operation, and goes wrong when told to.
 *
 * Owns the faults of a store as its caller sees them. Must not know what the requests mean.
 */
import { once } from 'node:events'
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from './ports.ts'

export type Fault =
  /** An error of DynamoDB's own, by the name that its clients know it by. */
  | { readonly kind: 'error'; readonly status: 400 | 500 | 503; readonly name: string }
  /** Hangs up before anything happened. */
  | { readonly kind: 'hang-up' }
  /** Lets it happen and hangs up instead of answering. */
  | { readonly kind: 'lose-answer' }
  /** Lets it happen and says nothing: the caller finds out by its own patience. */
  | { readonly kind: 'keep-silent' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Lets it happen, and answers after so long. */
  | { readonly kind: 'answer-late'; readonly ms: number }

export type FaultScope = {
  /** `UpdateItem` and its like; all operations by default. */
  readonly operations?: readonly string[]
  /** It strikes from the first request of this operation on; at once by default. */
  readonly since?: string
  /** How many requests it strikes; all of them by default. */
  readonly times?: number
}

export type FaultProxy = {
  readonly endpoint: string
  /** Requests by operation since the last `forget`, those that met a fault included. */
  counts(): Readonly<Record<string, number>>
  forget(): void
  fail(fault: Fault, scope?: FaultScope): void
  heal(): void
  /** Resolves once a request has been let happen and its caller has no answer yet. */
  silent(): Promise<void>
  /** Nobody listens any more: connections are refused until `comeBack`. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  stop(): Promise<void>
}

export const throttling: Fault = { kind: 'error', status: 400, name: 'ThrottlingException' }
export const overProvisioned: Fault = { kind: 'error', status: 400, name: 'ProvisionedThroughputExceededException' }
export const internalError: Fault = { kind: 'error', status: 500, name: 'InternalServerError' }

type Plan = {
  readonly fault: Fault
  readonly operations: readonly string[] | undefined
  since: string | undefined
  left: number
}

export async function startFaultProxy(behind: string): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true })
  const counts = new Map<string, number>()
  let plan: Plan | undefined
  let silence = Promise.withResolvers<void>()

  const strike = (operation: string): Fault | undefined => {
    if (plan?.since === operation) plan.since = undefined
    if (
      !plan ||
      plan.since !== undefined ||
      plan.left <= 0 ||
      (plan.operations && !plan.operations.includes(operation))
    )
      return undefined
    plan.left -= 1
    return plan.fault
  }
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const operation = String(incoming.headers['x-amz-target'] ?? '').replace(/^.*\./, '')
    counts.set(operation, (counts.get(operation) ?? 0) + 1)
    await serve(incoming, outgoing, { behind, agent }, strike(operation), silence.resolve)
  }
  const port = await freePort()
  let server = await listen(port, answer)

  return {
    endpoint: `http://127.0.0.1:${port}`,
    counts: () => Object.fromEntries(counts),
    forget: () => counts.clear(),
    fail: (fault, { operations, since, times = Number.POSITIVE_INFINITY } = {}) => {
      plan = { fault, operations, since, left: times }
      silence = Promise.withResolvers<void>()
    },
    heal: () => {
      plan = undefined
    },
    silent: () => silence.promise,
    goAway: () => close(server),
    comeBack: async () => {
      server = await listen(port, answer)
    },
    stop: async () => {
      await close(server)
      agent.destroy()
    },
  }
}

async function listen(
  port: number,
  answer: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>,
): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy())
  })
  // Longer than any test: a connection that this end closed for age would count as a fault nobody asked for.
  server.keepAliveTimeout = 120_000
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  store: Store,
  fault: Fault | undefined,
  nowSilent: () => void,
): Promise<void> {
  const body = await bytesOf(incoming)
  switch (fault?.kind) {
    case 'hang-up':
      incoming.socket.destroy()
      return
    case 'error':
      outgoing.writeHead(fault.status, { 'content-type': 'application/x-amz-json-1.0' })
      outgoing.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${fault.name}`, message: 'as asked' }))
      return
    case 'delay':
      await pause(fault.ms)
  }
  const passed = await pass(incoming, body, store)
  if (fault?.kind === 'lose-answer') {
    incoming.socket.destroy()
    return
  }
  if (fault?.kind === 'keep-silent') return nowSilent()
  if (fault?.kind === 'answer-late') {
    nowSilent()
    await pause(fault.ms)
  }
  outgoing.writeHead(passed.status, endToEnd(passed.headers))
  outgoing.end(passed.body)
}

/** RFC 9110 §7.6.1: what belongs to one connection is not passed on. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection: _connection, 'keep-alive': _keepAlive, 'transfer-encoding': _encoding, ...kept } = headers
  return kept
}

type Store = { readonly behind: string; readonly agent: Agent }

type Passed = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }

function pass({ method, url, headers }: IncomingMessage, body: Buffer, { behind, agent }: Store): Promise<Passed> {
  return new Promise((resolve, reject) => {
    const onward = request(new URL(url ?? '/', behind), { method, headers: endToEnd(headers), agent }, (answer) => {
      bytesOf(answer).then(
        (bytes) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: bytes }),
        reject,
      )
    })
    onward.on('error', reject)
    onward.end(body)
  })
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}
