/**
 * Functions called in this process as API Gateway calls them, on a table and a keyring of their own.
 *
 * Owns the event's shape, the environment that the functions read, and what they logged.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import type { Call } from '../../shared/http/call.ts'
import type { Handler } from '../../shared/http/stack.ts'
import { sink } from '../../shared/log.ts'
import { processParts, setProcessParts } from '../../shared/parts.ts'
import type { Registry } from '../../shared/store/registrations.ts'
import { putRegistry } from '../../shared/store/registry.ts'
import { generateKeyring } from '../../shared/tokens/keyring-secret.ts'
import './broker-keys.ts'
import { startTable, type TestTable } from './table.ts'

export type Request = {
  readonly method?: string
  /** Without the stage, as it was called. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, readonly string[]>>
  readonly body?: string
  readonly isBase64Encoded?: boolean
  readonly application?: string
  readonly resource?: string
  readonly requestContext?: Readonly<Record<string, unknown>>
}

export function eventOf(request: Request = {}): APIGatewayProxyEvent {
  const { method = 'POST', application = 'demo', path = `/${application}/oauth/token`, headers = {}, query } = request
  const event = {
    resource: request.resource ?? '/{application}/oauth/token',
    path,
    httpMethod: method,
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: query
      ? Object.fromEntries(Object.entries(query).map(([name, all]) => [name, all.at(-1)]))
      : null,
    multiValueQueryStringParameters: query ?? null,
    pathParameters: { application },
    stageVariables: null,
    body: request.body ?? null,
    isBase64Encoded: request.isBase64Encoded ?? false,
    requestContext: {
      domainName: 'abc.execute-api.eu-central-1.amazonaws.com',
      path: `/prod${path}`,
      requestId: 'chosen-by-the-caller',
      extendedRequestId: 'request-1',
      requestTimeEpoch: Date.now(),
      identity: { sourceIp: '192.0.2.7' },
      ...request.requestContext,
    },
  }
  return event as unknown as APIGatewayProxyEvent
}

export const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' }

/** @returns the answer, its JSON if it is JSON, and the log lines of this one request */
export async function call(handler: Handler, request: Request = {}) {
  const lines: string[] = []
  const before = sink.write
  sink.write = (line) => void lines.push(line)
  try {
    const result: APIGatewayProxyResult = await handler(eventOf(request), {} as Context)
    const headers = result.headers ?? {}
    const json =
      headers['content-type'] === 'application/json' ? (JSON.parse(result.body) as Record<string, unknown>) : {}
    const log = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    return { status: result.statusCode, headers, body: result.body, json, log, lines }
  } finally {
    sink.write = before
  }
}

export type TestBroker = { readonly table: TestTable; stop(): Promise<void> }

/** @param environment beside the table and the keyring; an empty text unsets */
export async function startBroker(registry: Registry, environment: Record<string, string> = {}): Promise<TestBroker> {
  const table = await startTable()
  const directory = await mkdtemp(join(tmpdir(), 'token-broker-test-'))
  await writeFile(join(directory, 'keyring'), await generateKeyring(Date.now()))
  await putRegistry(table, registry)
  Object.assign(process.env, { TABLE_NAME: table.name, SECRETS: `file:${directory}`, BASE_URL: '', ...environment })
  setProcessParts(undefined)
  return {
    table,
    stop: async () => {
      setProcessParts(undefined)
      await table.stop()
      await rm(directory, { recursive: true })
    },
  }
}

/** A call as a function sees it, for code that is handed one. */
export function aCall(changes: Partial<Call> = {}): Call {
  const event = eventOf()
  const parameters = { isEmpty: true, check: () => {}, optional: () => undefined, required: () => '' }
  const received = { event, requestId: 'request-1', ip: '192.0.2.7', now: Date.now(), remainingMs: () => 20_000 }
  // Composed only when a test needs them, since composing needs an environment.
  const lazy = {
    get parts() {
      return processParts()
    },
  }
  return Object.assign(lazy, received, { parameters, issuer: 'https://auth.example/demo' }, changes) as Call
}
