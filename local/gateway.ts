/**
 * The local gateway: the same routes, events, limits and errors as API Gateway in the cloud.
 */

import { randomUUID } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import type { Duplex } from 'node:stream'
import { maxHeaderBytes, requestTimeoutSeconds } from '../infra/limits.ts'
import type { FunctionName, Route } from '../infra/routes.ts'
import {
  crossOrigin,
  errorResponse,
  preflightResponse,
  type Response,
  responseOf,
  send,
  writeHead,
} from './gateway/answer.ts'
import { drain, readBody } from './gateway/body.ts'
import { callFunction, eventOf, type Handler } from './gateway/event.ts'
import { createRouter, type Found } from './gateway/router.ts'
import { listen, loopback } from './ports.ts'

export type { Handler } from './gateway/event.ts'

export type GatewayOptions = {
  /** 0 picks a free port. */
  readonly port: number
  readonly routes: readonly Route[]
  /** Loads `functions/<name>.ts`. Called once for each function, at the start. */
  readonly loadHandler: (name: FunctionName) => Promise<Handler>
  /** How long a function may take. @default as in the cloud */
  readonly timeLimitMs?: number
  readonly log: (line: string) => void
  /** Answers GET requests for paths without a route. @returns undefined if there is no such page either */
  readonly ownPages?: (path: string, headers: IncomingHttpHeaders) => Response | undefined
  /** Requests wait until this promise resolves. */
  readonly until?: Promise<unknown>
}

export type Gateway = {
  readonly url: string
  /** Stops accepting requests, gives those in progress a moment to finish, and closes every connection. */
  close(): Promise<void>
}

type Serving = Pick<GatewayOptions, 'log' | 'ownPages'> & {
  readonly timeLimitMs: number
  readonly find: (method: string, path: string) => Found
  readonly handlers: ReadonlyMap<FunctionName, Handler>
}

/** Longer than clients keep idle connections, so that we never close one while a request is on its way. */
const keepAliveMs = 65_000
const requestWithinMs = 30_000
const finishWithinMs = 1_000
const drainMs = 1_000
/** Far above the limit, so that the answer is ours and not Node's. */
const maxParsedHeaderBytes = 65_536

/** @throws {PortTaken} */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { port, routes, loadHandler, log, ownPages = () => undefined, until } = options
  const { timeLimitMs = requestTimeoutSeconds * 1_000 } = options
  const handlers = new Map<FunctionName, Handler>()
  const loaded = Promise.withResolvers<void>()
  let starting: Promise<unknown> | undefined = Promise.all([loaded.promise, until])
  // If the start fails, the error is thrown below, and closing the server cuts off the requests that wait.
  starting.catch(() => {})
  void starting.then(
    () => (starting = undefined),
    () => {},
  )

  const serving: Serving = { find: createRouter(routes), handlers, log, ownPages, timeLimitMs }
  const server = createServer({ maxHeaderSize: maxParsedHeaderBytes }, (incoming, outgoing) => {
    if (!server.listening) outgoing.shouldKeepAlive = false
    const answered =
      starting === undefined
        ? serve(serving, incoming, outgoing)
        : starting.then(() => serve(serving, incoming, outgoing))
    answered.catch(() => outgoing.destroy())
  })
  server.on('clientError', refuseUnreadable)
  server.keepAliveTimeout = keepAliveMs
  server.requestTimeout = requestWithinMs

  const url = `http://${loopback}:${await listen(server, port, 'PORT')}`
  try {
    const names = [...new Set(routes.map(({ functionName }) => functionName))]
    await Promise.all(names.map(async (name) => handlers.set(name, await loadHandler(name))))
  } catch (error) {
    await close(server)
    throw error
  }
  loaded.resolve()
  return { url, close: () => close(server) }
}

async function serve(serving: Serving, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = incoming
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  const id = randomUUID()
  const found = serving.find(method, path)
  const ownPage = found.kind === 'nothing' && method === 'GET' ? serving.ownPages?.(path, incoming.headers) : undefined
  if (ownPage !== undefined) return send(outgoing, ownPage)
  if (found.kind !== 'route') return send(outgoing, unrouted(found, method, id))

  const { match } = found
  if (headerBytes(incoming) > maxHeaderBytes) return refuseAsTooLarge(incoming, outgoing, id)
  const body = await readBody(incoming)
  if (body === 'cut off') return
  if (body === 'too long') return refuseAsTooLarge(incoming, outgoing, id)
  const request = {
    id,
    method,
    path,
    body,
    query: at < 0 ? '' : url.slice(at + 1),
    rawHeaders: incoming.rawHeaders,
    sourceIp: incoming.socket.remoteAddress ?? loopback,
    protocol: `HTTP/${incoming.httpVersion}`,
    domainName: `${loopback}:${incoming.socket.localPort}`,
  }
  try {
    const handler = serving.handlers.get(match.route.functionName)!
    const result = callFunction(match.route.functionName, handler, eventOf(request, match), serving.timeLimitMs)
    send(outgoing, responseOf(await within(serving.timeLimitMs, result)))
  } catch (error) {
    serving.log(`${method} ${match.route.path} (request ${id}) failed: ${error instanceof Error ? error.stack : error}`)
    const headers = [...crossOrigin, 'retry-after', '1']
    send(outgoing, errorResponse(503, 'temporarily_unavailable', 'Please try again shortly.', id, headers))
  }
}

/** The size of the request line and the header values, as API Gateway counts it. */
function headerBytes({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): number {
  const requestLine = `${method} ${url} HTTP/${httpVersion}`
  return rawHeaders.reduce((sum, text, index) => sum + (index % 2 === 1 ? text.length : 0), requestLine.length)
}

/** Lambda ends a function that takes longer. Here the function keeps running, and its answer is discarded. */
async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function unrouted(found: Exclude<Found, { kind: 'route' }>, method: string, id: string): Response {
  switch (found.kind) {
    case 'nothing':
      return errorResponse(404, 'invalid_request', 'There is nothing at this path.', id)
    case 'malformed':
      return errorResponse(400, 'invalid_request', 'The path is not well-formed.', id)
    case 'method':
      if (method === 'OPTIONS' && found.crossOrigin) return preflightResponse()
      return errorResponse(405, 'invalid_request', 'This path does not take this method.', id, [
        'allow',
        found.allowed.join(', '),
      ])
  }
}

async function refuseAsTooLarge(incoming: IncomingMessage, outgoing: ServerResponse, id: string): Promise<void> {
  const refusal = errorResponse(413, 'invalid_request', 'The request is too large.', id, [
    ...crossOrigin,
    ...['connection', 'close'],
  ])
  writeHead(outgoing, refusal)
  outgoing.write(refusal.body)
  await drain(incoming, drainMs)
  outgoing.end()
}

/** Answers a request that Node's parser refuses. Node's own answer has no body. */
function refuseUnreadable({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || code === 'ECONNRESET') return void socket.destroy()
  const [status, description] =
    code === 'HPE_HEADER_OVERFLOW'
      ? ([413, 'The request is too large.'] as const)
      : ([400, 'The request is not well-formed.'] as const)
  const { headers, body } = errorResponse(status, 'invalid_request', description, randomUUID(), [
    ...crossOrigin,
    ...['connection', 'close'],
  ])
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, `content-length: ${Buffer.byteLength(body)}`]
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`)
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
  // A client that is still sending would otherwise see a reset connection and no answer.
  socket.on('data', () => {}).resume()
  setTimeout(() => socket.destroy(), drainMs).unref()
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A connection becomes idle when its last answer has gone out.
    const idle = setInterval(() => server.closeIdleConnections(), 20)
    const late = setTimeout(() => server.closeAllConnections(), finishWithinMs)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(late)
      resolve()
    })
    server.closeIdleConnections()
  })
}
