/**
 * The one stack of middlewares, through which every request of every function goes:
 *
 *     start ─► application ─► parameters ─► client ─► the function ─► answer, headers, log line
 *
 * Owns the order and the steps. Must not know any grant, page or transition. Which steps a function takes is said in
 * one line by `oauthEndpoint` or `pageEndpoint`.
 */

import middy, { type MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { describeFault, log } from '../log.ts'
import { clock, processParts } from '../parts.ts'
import { Unavailable } from '../unavailable.ts'
import {
  type Answer,
  baseUrlOf,
  bodyText,
  type Call,
  type CallContext,
  type ClientCall,
  header,
  type OpsCall,
  type OpsRootCall,
  queryOf,
  startCall,
} from './call.ts'
import { assertionFault } from './client-assertion.ts'
import { authenticateClient } from './client-authentication.ts'
import { errorBody, OAuthError, statusOf } from './errors.ts'
import { crossOriginHeaders, securityHeaders } from './headers.ts'
import { readBody, readForm } from './parameters.ts'

type Middleware = MiddlewareObj<APIGatewayProxyEvent, Answer | APIGatewayProxyResult, Error, CallContext>
export type Handler = (event: APIGatewayProxyEvent, context: unknown) => Promise<APIGatewayProxyResult>

/** An endpoint that a program calls and that authenticates its client. */
export function clientEndpoint(access: Access, handle: (call: ClientCall) => Promise<Answer>): Handler {
  return stacked(handle, [...begin(access, oauthErrorAnswer), application(), body(), client()])
}

/** An endpoint that a program calls and that asks for no client. */
export function publicEndpoint(access: Access, handle: (call: Call) => Promise<Answer>): Handler {
  return stacked(handle, [...begin(access, oauthErrorAnswer), application(), body()])
}

/** An endpoint of ops, whom AWS IAM has authorised before the function is called. */
export function opsEndpoint(handle: (call: OpsCall) => Promise<Answer>): Handler {
  return stacked(handle, [...begin('same-origin', oauthErrorAnswer), actor(), application()])
}

/** The same, about no application in particular. */
export function opsRootEndpoint(handle: (call: OpsRootCall) => Promise<Answer>): Handler {
  return stacked(handle, [...begin('same-origin', oauthErrorAnswer), actor()])
}

/**
 * An endpoint that a browser visits.
 *
 * @param problem turns what went wrong into a page
 */
export function pageEndpoint(
  handle: (call: Call) => Promise<Answer>,
  problem: (error: Error, call: Partial<Call>) => Answer,
): Handler {
  return stacked(handle, [...begin('same-origin', problem), application(), body()])
}

/** Whether scripts of any origin may read the answers (they never send credentials along). */
type Access = 'cross-origin' | 'same-origin'

/** @param handle gets the call with all that these middlewares find out */
function stacked(handle: (call: never) => Promise<Answer>, middlewares: Middleware[]): Handler {
  // Each request to the outside has a limit of its own, so middy's watch over the remaining time is not needed.
  return middy<APIGatewayProxyEvent, Answer | APIGatewayProxyResult, Error, CallContext>({ timeoutEarlyInMillis: 0 })
    .use(middlewares)
    .handler((_event, context) => handle(context.call as never)) as unknown as Handler
}

/** Outermost: the answer is written and logged last, whatever happened inside. */
function begin(access: Access, problem: (error: Error, call: Partial<Call>) => Answer): Middleware[] {
  return [
    {
      before: ({ event, context }) => {
        context.call = startCall(event, clock.now())
        context.call.parts = processParts()
      },
      after: (request) => {
        request.response = write(request.response as Answer, request.context.call, access)
      },
      onError: (request) => {
        const { error, context } = request
        reportFault(error!, context.call)
        request.response = write(problem(error!, context.call as Partial<Call>), context.call, access, error!)
      },
    },
  ]
}

/**
 * The gateway says who it is only where IAM has authorised (infra/routes.ts). That is asked for here once more: a route that
 * was made without it must not be open to everyone.
 */
function actor(): Middleware {
  return {
    before: ({ event, context }) => {
      const { userArn } = event.requestContext.identity
      if (!userArn) throw new OAuthError('access_denied', 'Sign the request with AWS credentials.', { status: 403 })
      context.call.actor = userArn
    },
  }
}

/** RFC 8414 §3: an issuer that is not there has nothing to answer for. */
function application(): Middleware {
  return {
    before: async ({ event, context }) => {
      const name = event.pathParameters?.application ?? ''
      const { parts } = context.call as Call
      const found = await parts.registrations.application(name)
      if (found === undefined) throw new OAuthError('invalid_request', 'There is no such application.', { status: 404 })
      context.call.application = found
      context.call.issuer = `${baseUrlOf(event, parts.config)}/${name}`
    },
  }
}

/** RFC 6749 §3.2: parameters of a POST are in its body alone, those of a GET in its query. */
function body(): Middleware {
  return {
    before: ({ event, context }) => {
      context.call.parameters =
        event.httpMethod === 'POST'
          ? readBody(bodyText(event), header(event, 'content-type'))
          : readForm(queryOf(event))
    },
  }
}

function client(): Middleware {
  return {
    before: async ({ event, context }) => {
      const { parts, application, parameters } = context.call as Call
      const authorization = header(event, 'authorization')
      // Said before asking who it is: parameters in a POST's query do not count, and that is the likely mistake.
      if (parameters.isEmpty && authorization === undefined) {
        throw new OAuthError('invalid_request', 'The body holds no parameters.')
      }
      context.call.client = await authenticateClient(authorization, parameters, {
        find: (clientId) => parts.registrations.client(application.name, clientId),
        assertionFault: (found, assertion) => assertionFault(context.call as Call, found, assertion),
      })
    },
  }
}

/** Expected errors are answers; anything else is a fault of ours, told to the operator once and to the caller not at all. */
function asOAuthError(error: Error): OAuthError {
  if (error instanceof OAuthError) return error
  if (error instanceof Unavailable) {
    return new OAuthError('temporarily_unavailable', 'Please try again shortly; what you hold stays valid.', {
      status: 503,
      headers: { 'retry-after': String(error.retryAfterSeconds) },
      reason: error.part,
    })
  }
  return new OAuthError('server_error', 'Something went wrong here. Please report the request id.', { status: 500 })
}

function oauthErrorAnswer(error: Error, call: Partial<Call>): Answer {
  const known = asOAuthError(error)
  return { status: statusOf(known, call.application?.errorProfile), headers: known.headers, body: errorBody(known) }
}

/** Exported for endpoints that answer a fault in their own way: the operator has to see it all the same. */
export function reportFault(error: Error, call: CallContext['call'] | undefined): void {
  if (error instanceof OAuthError) return
  const isForeign = error instanceof Unavailable
  log(
    {
      level: isForeign ? 'warn' : 'error',
      event: 'fault',
      request_id: call?.requestId,
      route: call?.event.resource,
      application: call?.application?.name,
      client_id: call?.client?.clientId,
      reason: isForeign ? error.part : undefined,
      ip: call?.ip,
      actor: call?.actor,
      fault: describeFault(error),
    },
    call?.now ?? Date.now(),
  )
}

/** RFC 6749 §5.1, for all that does not say otherwise. */
const uncached = { 'cache-control': 'no-store', pragma: 'no-cache' } as const

function write(answer: Answer, call: CallContext['call'], access: Access, error?: Error): APIGatewayProxyResult {
  logRequest(answer, call, error)
  const isPage = typeof answer.body === 'string'
  return {
    statusCode: answer.status,
    headers: {
      ...securityHeaders,
      ...(answer.headers?.['cache-control'] === undefined && uncached),
      ...(answer.body !== undefined && { 'content-type': isPage ? 'text/html; charset=utf-8' : 'application/json' }),
      ...(access === 'cross-origin' && crossOriginHeaders),
      ...answer.headers,
      'x-request-id': call.requestId,
    },
    ...(answer.cookies?.length && { multiValueHeaders: { 'set-cookie': [...answer.cookies] } }),
    body: isPage ? (answer.body as string) : answer.body === undefined ? '' : JSON.stringify(answer.body),
  }
}

function logRequest(answer: Answer, call: CallContext['call'], error: Error | undefined): void {
  const known = error && asOAuthError(error)
  log(
    {
      // An event that has happened is told even where the request fails after it.
      ...(call.conclusion ?? { event: 'request' }),
      level: answer.status >= 500 ? 'error' : 'info',
      request_id: call.requestId,
      route: call.event.resource,
      method: call.event.httpMethod,
      status: answer.status,
      duration_ms: Math.round(Math.max(0, Date.now() - call.event.requestContext.requestTimeEpoch)),
      application: call.application?.name,
      client_id: call.conclusion?.client_id ?? call.client?.clientId ?? known?.clientId,
      error: known?.error,
      reason: known?.reason,
      ip: call.ip,
      actor: call.actor,
    },
    call.now,
  )
}
