/** A request as the functions see it, and the answer that they give. */

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

/** The call as a function gets it, after the steps of stack.ts. */
export type Call = {
  readonly parts: Parts
  readonly event: APIGatewayProxyEvent
  readonly requestId: string
  /** The address that the gateway reports, or its configured proxy. Never a header of the caller. */
  readonly ip: string
  /** ms since the epoch; one moment for the whole request. */
  readonly now: number
  /** The time until Lambda ends the function, ms. */
  readonly remainingMs: () => number
  readonly application: Application
  /** `{base}/{application}` (RFC 8414 §2). */
  readonly issuer: string
  readonly parameters: Parameters
  /** The language of the page that the person came from, if known. Otherwise the request decides (look.ts). */
  readonly language?: Language | undefined
  /** The event that the request's log line reports (`conclude`). */
  conclusion?: Conclusion
}

/** Events that the request's own log line may report, so that one request writes one line. */
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

/** A call with an authenticated client. */
export type ClientCall = Call & { readonly client: Client }

/** A call by ops. shared/sessions/ops-request.ts reads its parameters. */
export type OpsCall = Omit<Call, 'parameters'> & {
  /** The ARN of the caller. */
  readonly actor: string
}

/** A call by ops that concerns no single application. */
export type OpsRootCall = Omit<OpsCall, 'application' | 'issuer'>

/** What is known of a call before any step has run. */
export type ReceivedCall = Pick<Call, 'event' | 'requestId' | 'ip' | 'now' | 'remainingMs'>
/** A call that has its parts. */
export type StartedCall = ReceivedCall & Pick<Call, 'parts'>
/** A call on its way through the steps of stack.ts. */
export type PartialCall = ReceivedCall & Partial<ClientCall & OpsCall>

/** The answer of a function. An object as `body` is sent as JSON, a string as HTML. */
export type Answer = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Set-Cookie lines, the only header that may be repeated (RFC 6265 §3). */
  readonly cookies?: readonly string[]
  readonly body?: object | string
}

/** API Gateway takes `requestId` from the caller's x-amzn-RequestId header; only `extendedRequestId` is its own. */
export function startCall(event: APIGatewayProxyEvent, now: number, remainingMs: () => number): ReceivedCall {
  const { extendedRequestId: requestId = randomUUID(), identity } = event.requestContext
  return { event, requestId, ip: addressIn(event) ?? identity.sourceIp, now, remainingMs }
}

/** A proxy in front of the gateway reports the caller's address in a configured header. */
function addressIn(event: APIGatewayProxyEvent): string | undefined {
  const name = addressHeaderIn(process.env)
  const address = name && header(event, name)
  return address && isIP(address) !== 0 ? address : undefined
}

/** The time and the write id of a transition. The write id is new for each transition, and stays for its retries. */
export function momentOf({ now }: Pick<Call, 'now'>): Moment {
  return { now, writeId: randomId() }
}

/** A header by its lower-case name, whatever case the caller used. */
export function header(event: APIGatewayProxyEvent, name: string): string | undefined {
  const match = Object.entries(event.headers ?? {}).find(([spelt]) => spelt.toLowerCase() === name)
  return match?.[1]
}

export function bodyText({ body, isBase64Encoded }: APIGatewayProxyEvent): string {
  return isBase64Encoded ? Buffer.from(body ?? '', 'base64').toString('utf8') : (body ?? '')
}

/** Re-encodes the query that the gateway decoded, so that one parser serves forms and queries. */
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

/** Replaces the application, after it was read again, and the language of a call. */
export function continueWith(call: Call, found: Pick<Call, 'application' | 'language'>): void {
  Object.assign(call, found)
}

type Audited = Pick<Call, 'requestId' | 'application' | 'ip' | 'now'> & {
  readonly client?: Client
  readonly actor?: string
}

/**
 * Reports an event in the request's own log line. Use it only for the last event, when nothing is awaited any more: if the
 * function is killed meanwhile, the event is lost. `audit` writes all other events at once.
 */
export function conclude(
  call: Pick<Call, 'conclusion'>,
  event: ConclusionEvent,
  fields: Omit<Conclusion, 'event'>,
): void {
  call.conclusion = { event, ...fields }
}

/** Writes a line of the audit log. */
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
