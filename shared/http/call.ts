/**
 * One request as the functions see it.
 *
 * Owns the shapes of a call and of an answer, and the public address of the broker. Must not know any endpoint.
 */

import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { addressHeaderIn, type Config } from '../config.ts'
import type { Language } from '../domain/local-text.ts'
import type { Application, Client } from '../domain/registration.ts'
import type { Moment } from '../domain/transitions.ts'
import { type LogFields, log } from '../log.ts'
import type { LogEventName } from '../log-events.ts'
import type { Parts } from '../parts.ts'
import { randomId } from '../random.ts'
import type { Parameters } from './parameters.ts'

/** What the middlewares have found out when a function's own code begins. */
export type Call = {
  readonly parts: Parts
  readonly event: APIGatewayProxyEvent
  readonly requestId: string
  /** The gateway's word for where the caller is, never a header's. */
  readonly ip: string
  /** ms since the epoch; one moment for the whole request. */
  readonly now: number
  readonly application: Application
  /** `{base}/{application}` (RFC 8414 §2). */
  readonly issuer: string
  readonly parameters: Parameters
  /** Of the page that the person came from, where a sign-in carried it; otherwise the request says which (look.ts). */
  readonly language?: Language | undefined
  /** What the request came to, once it has (`conclude`). Its log line tells it. */
  conclusion?: Conclusion
}

/** Events that a request's own line can tell, so that one request writes one line. */
export type ConclusionEvent =
  | 'session.opened'
  | 'session.redeemed'
  | 'session.rotated'
  | 'session.grace_retry'
  | 'token.exchanged'
  | 'token.issued'
export type Conclusion = Pick<LogFields, 'client_id' | 'sid' | 'sub' | 'flow' | 'generation'> & {
  readonly event: ConclusionEvent
}

/** A call whose client has proven who it is. */
export type ClientCall = Call & { readonly client: Client }

/** A call by ops. What it asks for is read by shared/sessions/ops-request.ts. */
export type OpsCall = Omit<Call, 'parameters'> & {
  /** Who AWS says it is, an ARN. */
  readonly actor: string
}

/** A call by ops that is about no application in particular. */
export type OpsRootCall = Omit<OpsCall, 'application' | 'issuer'>

/** What is known of a call before any step has run. */
export type ReceivedCall = Pick<Call, 'event' | 'requestId' | 'ip' | 'now'>
/** A call that has its parts. */
export type StartedCall = ReceivedCall & Pick<Call, 'parts'>
/** A call on its way through the steps of stack.ts. */
export type PartialCall = ReceivedCall & Partial<ClientCall & OpsCall>

/** What a function answers. `body` is JSON unless it is text, which then is HTML. */
export type Answer = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Lines of Set-Cookie: the one header that may stand several times (RFC 6265 §3). */
  readonly cookies?: readonly string[]
  readonly body?: object | string
}

/** API Gateway's `requestId` is whatever the caller sends as x-amzn-RequestId; `extendedRequestId` is its own. */
export function startCall(event: APIGatewayProxyEvent, now: number): ReceivedCall {
  const { extendedRequestId: requestId = randomUUID(), identity } = event.requestContext
  return { event, requestId, ip: addressIn(event) ?? identity.sourceIp, now }
}

/** What stands in front of the gateway is the gateway's caller, and says in a header of its own who is behind it. */
function addressIn(event: APIGatewayProxyEvent): string | undefined {
  const name = addressHeaderIn(process.env)
  const address = name && header(event, name)
  return address && isIP(address) !== 0 ? address : undefined
}

/** When a transition is made, and its id: fresh for each one, the same for each try of it. */
export function momentOf({ now }: Pick<Call, 'now'>): Moment {
  return { now, writeId: randomId() }
}

/** A header by its lower-case name, however the caller spelt it. */
export function header(event: APIGatewayProxyEvent, name: string): string | undefined {
  const match = Object.entries(event.headers ?? {}).find(([spelt]) => spelt.toLowerCase() === name)
  return match?.[1]
}

export function bodyText({ body, isBase64Encoded }: APIGatewayProxyEvent): string {
  return isBase64Encoded ? Buffer.from(body ?? '', 'base64').toString('utf8') : (body ?? '')
}

/** The gateway decodes the query; it is put together again so that one reader serves forms and queries. */
export function queryOf({ multiValueQueryStringParameters }: APIGatewayProxyEvent): string {
  const pairs = Object.entries(multiValueQueryStringParameters ?? {}).flatMap(([name, values]) =>
    (values ?? []).map((value): [string, string] => [name, value]),
  )
  return new URLSearchParams(pairs).toString()
}

/**
 * Where the broker is for its callers: as configured, else as the gateway says. `requestContext.path` is the path as it
 * was called, stage or base path included; `path` is without. The domain is the one that the gateway answered for.
 */
export function baseUrlOf(event: APIGatewayProxyEvent, { baseUrl }: Pick<Config, 'baseUrl'>): string {
  if (baseUrl !== undefined) return baseUrl
  const { domainName, path } = event.requestContext
  const prefix = path.endsWith(event.path) ? path.slice(0, path.length - event.path.length) : ''
  return `https://${domainName}${prefix}`
}

/** The call goes on by what was found out while it was under way: a registration that was read anew, the person's language. */
export function continueWith(call: Call, found: Pick<Call, 'application' | 'language'>): void {
  Object.assign(call, found)
}

type Audited = Pick<Call, 'requestId' | 'application' | 'ip' | 'now'> & {
  readonly client?: Client
  readonly actor?: string
}

/**
 * Lets the request's line tell this event. For the last event of a request alone, after which the call waits for nothing
 * more: a function that is killed while it waits would take the event with it. All others are written at once, by `audit`.
 */
export function conclude(
  call: Pick<Call, 'conclusion'>,
  event: ConclusionEvent,
  fields: Omit<Conclusion, 'event'>,
): void {
  call.conclusion = { event, ...fields }
}

/** One line of the audit: who, which client, which session, from where, why. */
export function audit(call: Audited, event: LogEventName, fields: Partial<LogFields>): void {
  log(
    {
      level: 'info',
      event,
      request_id: call.requestId,
      application: call.application.name,
      client_id: call.client?.clientId,
      ip: call.ip,
      actor: call.actor,
      ...fields,
    },
    call.now,
  )
}
