/**
 * Builds the arguments of a function: API Gateway's event for a REST API (payload format 1.0) and Lambda's context. As in
 * the cloud, the caller's address comes from the socket and the domain name is the gateway's own, whatever the headers
 * say.
 */

import { randomUUID } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import { memoryMb, requestTimeoutSeconds } from '../../infra/limits.ts'
import type { Route } from '../../infra/routes.ts'
import type { Match } from './router.ts'

export type Handler = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>

export type Request = {
  readonly id: string
  readonly method: string
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  /** Name, value, name, value, as received. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer | undefined
  readonly sourceIp: string
  /** `HTTP/1.1` */
  readonly protocol: string
  /** The gateway's own address, `127.0.0.1:8787`. */
  readonly domainName: string
}

type Multi = Record<string, string[]>

export function eventOf(request: Request, { route, pathParameters }: Match): APIGatewayProxyEvent {
  const multiValueHeaders = grouped(headerPairs(request.rawHeaders))
  const headers = lastOf(multiValueHeaders)
  const query = request.query === '' ? null : grouped(new URLSearchParams(request.query))
  return {
    resource: route.path,
    path: request.path,
    httpMethod: request.method,
    headers,
    multiValueHeaders,
    queryStringParameters: query && lastOf(query),
    multiValueQueryStringParameters: query,
    pathParameters: Object.keys(pathParameters).length > 0 ? pathParameters : null,
    stageVariables: null,
    requestContext: requestContextOf(request, route, headers),
    // Without binary media types, a REST API passes bodies on as text.
    body: request.body === undefined ? null : request.body.toString('utf8'),
    isBase64Encoded: false,
  }
}

function requestContextOf(
  request: Request,
  { path: resourcePath, authorization }: Route,
  headers: Record<string, string>,
): APIGatewayProxyEvent['requestContext'] {
  const caller = authorization === 'iam' && isForThisMachine(headers) ? localUser : nobody
  const now = new Date()
  return {
    accountId: '000000000000',
    apiId: 'local',
    authorizer: null,
    domainName: request.domainName,
    domainPrefix: 'local',
    extendedRequestId: request.id,
    httpMethod: request.method,
    identity: { ...caller, sourceIp: request.sourceIp, userAgent: headerIn(headers, 'user-agent') },
    path: request.path,
    protocol: request.protocol,
    // The caller may choose this id.
    requestId: headerIn(headers, 'x-amzn-requestid') ?? randomUUID(),
    requestTime: commonLogTime(now),
    requestTimeEpoch: now.getTime(),
    resourceId: 'local',
    resourcePath,
    stage: 'local',
  }
}

const nobody = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
} as const

/** There is no IAM on a laptop, so every caller on this machine is an operator. */
const localUser = {
  ...nobody,
  accountId: '000000000000',
  caller: 'local',
  user: 'local',
  userArn: 'arn:aws:iam::000000000000:user/local',
} as const

/**
 * Whether the request names this machine as its host. With DNS rebinding, a web page makes a browser send requests to a host
 * name that resolves to 127.0.0.1; such a request names that host.
 */
export function isForThisMachine(headers: Record<string, string>): boolean {
  // A tunnel or proxy forwards requests of others, and may replace the host by this machine's name.
  const isForwarded = ['forwarded', 'x-forwarded-for', 'via'].some((name) => headerIn(headers, name) !== null)
  return !isForwarded && /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(headerIn(headers, 'host') ?? '')
}

function* headerPairs(raw: readonly string[]): Iterable<[string, string]> {
  for (let index = 0; index + 1 < raw.length; index += 2) yield [raw[index] ?? '', raw[index + 1] ?? '']
}

/** Uses a Map, because a caller may choose a name such as `__proto__`. */
function grouped(pairs: Iterable<[string, string]>): Multi {
  const groups = new Map<string, string[]>()
  for (const [name, value] of pairs) {
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [value])
    else group.push(value)
  }
  return Object.fromEntries(groups)
}

function lastOf(groups: Multi): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([name, values]) => [name, values.at(-1) ?? '']))
}

/** @param wanted in lower case */
function headerIn(headers: Record<string, string>, wanted: string): string | null {
  for (const name in headers) if (name.toLowerCase() === wanted) return headers[name] ?? null
  return null
}

/** `22/Nov/2026:01:35:00 +0000` */
function commonLogTime(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(' ')
  return `${day}/${month}/${year}:${time} +0000`
}

/** Provides the name of the running function. Subscribers use `bindStore` to attribute its requests to it. */
export const runningFunction = channel('token-broker:function')

/** Calls a function as Lambda does. Its context counts down from `timeLimitMs`. */
export function callFunction<Event, Result>(
  name: string,
  handler: (event: Event, context: Context) => Promise<Result>,
  event: Event,
  timeLimitMs?: number,
): Promise<Result> {
  return runningFunction.runStores(name, () => handler(event, contextOf(name, timeLimitMs)))
}

export function contextOf(functionName: string, timeLimitMs = requestTimeoutSeconds * 1_000): Context {
  return new LocalContext(functionName, timeLimitMs)
}

class LocalContext implements Context {
  callbackWaitsForEmptyEventLoop = true
  readonly functionName: string
  readonly functionVersion = '$LATEST'
  readonly invokedFunctionArn: string
  readonly memoryLimitInMB = String(memoryMb)
  readonly awsRequestId = randomUUID()
  readonly logGroupName: string
  readonly logStreamName = 'local'
  readonly #endsAt: number

  constructor(functionName: string, timeLimitMs: number) {
    this.#endsAt = performance.now() + timeLimitMs
    this.functionName = functionName
    this.invokedFunctionArn = `arn:aws:lambda:local:000000000000:function:${functionName}`
    this.logGroupName = `/aws/lambda/${functionName}`
  }

  // A property, as in Lambda's context, so that it also works when detached from the object.
  readonly getRemainingTimeInMillis = (): number => Math.max(0, Math.round(this.#endsAt - performance.now()))

  // From Node 0.10's runtime. Code that uses them should fail here, not in the cloud.
  done(): never {
    return refuse('done')
  }
  fail(): never {
    return refuse('fail')
  }
  succeed(): never {
    return refuse('succeed')
  }
}

function refuse(name: string): never {
  throw new Error(`context.${name} does not exist any more; return a promise`)
}
