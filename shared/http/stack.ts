/**
 * The path of every request through every function:
 *
 *     start ─► application ─► parameters ─► client ─► the function ─► answer, headers, log line
 *
 * Each step adds what it finds to the call. An endpoint's line below says which steps its functions need.
 */

import middy from '@middy/core'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import { describeFault, log } from '../log.ts'
import { clock, processParts } from '../parts.ts'
import { Unavailable } from '../unavailable.ts'
import { commandLineVersion, mismatch, version, versionHeader } from '../version.ts'
import {
  type Answer,
  baseUrlOf,
  bodyText,
  type Call,
  type ClientCall,
  header,
  type OpsCall,
  type OpsRootCall,
  type PartialCall,
  queryOf,
  type ReceivedCall,
  type StartedCall,
  startCall,
} from './call.ts'
import { assertionFault } from './client-assertion.ts'
import { authenticateClient } from './client-authentication.ts'
import { errorBody, OAuthError, sanitise, statusOf } from './errors.ts'
import { crossOriginHeaders, securityHeaders } from './headers.ts'
import { readBody, readForm } from './parameters.ts'

export type Handler = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>

/** An endpoint that a program calls and that authenticates its client. */
export function clientEndpoint(access: Access, handle: (call: ClientCall) => Promise<Answer>): Handler {
  return endpoint(access, oauthErrorAnswer, async (call) =>
    handle(await addClient(checkParameters(addParameters(await addApplication(call))))),
  )
}

/** An endpoint that a program calls without authenticating its client. */
export function publicEndpoint(
  access: Access,
  handle: (call: Call) => Promise<Answer>,
  errorAnswer: ErrorAnswer = oauthErrorAnswer,
): Handler {
  return endpoint(access, errorAnswer, async (call) =>
    handle(checkParameters(addParameters(await addApplication(call)))),
  )
}

/** An endpoint of ops. AWS IAM has authorised the caller before the function runs. */
export function opsEndpoint(handle: (call: OpsCall) => Promise<Answer>): Handler {
  return endpoint('same-origin', opsErrorAnswer, async (call) =>
    withVersion(await handle(await addApplication(addActor(call)))),
  )
}

/** An endpoint of ops that concerns no single application. */
export function opsRootEndpoint(handle: (call: OpsRootCall) => Promise<Answer>): Handler {
  return endpoint('same-origin', opsErrorAnswer, async (call) => withVersion(await handle(addActor(call))))
}

/** An endpoint that needs no application, table or key: its function has no rights in AWS. */
export function staticEndpoint(access: Access, handle: (call: ReceivedCall) => Promise<Answer>): Handler {
  return endpointWithoutParts(access, oauthErrorAnswer, handle)
}

/**
 * An endpoint that a browser visits.
 *
 * @param errorPage turns an error into a page
 */
export function pageEndpoint(handle: (call: Call) => Promise<Answer>, errorPage: ErrorAnswer): Handler {
  return uncheckedPageEndpoint(async (call) => handle(checkParameters(call)), errorPage)
}

/** The same, but the function checks the parameters, because some mistakes are not answered by a page. */
export function uncheckedPageEndpoint(handle: (call: Call) => Promise<Answer>, errorPage: ErrorAnswer): Handler {
  return endpoint('same-origin', errorPage, async (call) => handle(addParameters(await addApplication(call))))
}

/** Whether scripts of any origin may read the answers. They never send credentials along. */
type Access = 'cross-origin' | 'same-origin'
type ErrorAnswer = (error: Error, call: Partial<Call>) => Answer
/** `call` is what is known so far, also when a later step fails. */
type CallContext = Context & { call?: PartialCall }

function endpoint(access: Access, errorAnswer: ErrorAnswer, run: (call: StartedCall) => Promise<Answer>): Handler {
  return endpointWithoutParts(access, errorAnswer, (call) => run(Object.assign(call, { parts: processParts() })))
}

function endpointWithoutParts(
  access: Access,
  errorAnswer: ErrorAnswer,
  run: (call: ReceivedCall) => Promise<Answer>,
): Handler {
  // Each outgoing request has its own time limit, so middy need not watch the remaining time.
  return middy<APIGatewayProxyEvent, APIGatewayProxyResult, Error, CallContext>({ timeoutEarlyInMillis: 0 })
    .before(({ event, context }) => {
      context.call = startCall(event, clock.now(), () => context.getRemainingTimeInMillis())
    })
    .onError((request) => {
      const call = request.context.call!
      const error = request.error!
      reportFault(error, call)
      request.response = write(errorAnswer(error, call), call, access, error)
    })
    .handler(async (_event, { call }) => write(await run(call!), call!, access))
}

// --- the steps ------------------------------------------------------------------------------------------------------

/** The gateway names the caller only on routes that IAM authorises (infra/routes.ts). A route without IAM stays closed. */
function addActor<Started extends StartedCall>(call: Started) {
  const { userArn } = call.event.requestContext.identity
  if (!userArn) throw new OAuthError('access_denied', 'Sign the request with AWS credentials.', { status: 403 })
  return Object.assign(call, { actor: userArn })
}

/** RFC 8414 §3: the issuer is `{base}/{application}`, so an unknown application is 404. */
async function addApplication<Started extends StartedCall>(call: Started) {
  const { parts, event } = call
  const name = event.pathParameters?.application ?? ''
  const application = await parts.registrations.application(name)
  if (application === undefined) {
    throw new OAuthError('invalid_request', 'There is no such application.', { status: 404 })
  }
  return Object.assign(call, { application, issuer: `${baseUrlOf(event, parts.config)}/${name}` })
}

/** RFC 6749 §3.2: the parameters of a POST come from its body alone, those of a GET from its query. */
function addParameters<Started extends StartedCall>(call: Started) {
  const { event } = call
  const parameters =
    event.httpMethod === 'POST' ? readBody(bodyText(event), header(event, 'content-type')) : readForm(queryOf(event))
  return Object.assign(call, { parameters })
}

function checkParameters(call: Call): Call {
  call.parameters.check()
  return call
}

async function addClient(call: Call): Promise<ClientCall> {
  const { parts, application, parameters, event } = call
  const authorization = header(event, 'authorization')
  // Checked before the client, because parameters in the query of a POST do not count, and that is the likely mistake.
  if (parameters.isEmpty && authorization === undefined) {
    throw new OAuthError('invalid_request', 'The body holds no parameters.')
  }
  const client = await authenticateClient(authorization, parameters, {
    find: (clientId) => parts.registrations.client(application.name, clientId),
    assertionFault: (found, assertion) => assertionFault(call, found, assertion),
  })
  return Object.assign(call, { client })
}

// --- the answer -----------------------------------------------------------------------------------------------------

/** An unexpected error is logged once for the operator, and the caller learns nothing of it. */
function asOAuthError(error: Error): OAuthError {
  if (error instanceof OAuthError) return error
  if (error instanceof Unavailable) {
    return new OAuthError(
      'temporarily_unavailable',
      'Please try again shortly. What you hold stays valid, unless the answer to a write was lost.',
      {
        status: 503,
        headers: { 'retry-after': String(error.retryAfterSeconds) },
        reason: error.part,
      },
    )
  }
  return new OAuthError('server_error', 'Something went wrong here. Please report the request id.', { status: 500 })
}

/** RFC 6749 §5.2. Exported for endpoints that add to it. */
export function oauthErrorAnswer(error: Error, call: Partial<Call>): Answer {
  const known = asOAuthError(error)
  return { status: statusOf(known, call.application?.errorProfile), headers: known.headers, body: errorBody(known) }
}

/** Operators' requests depend on the version, as those of OAuth clients do not. */
function withVersion(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, [versionHeader]: version } }
}

/** Tells the command line of another version why it may have been refused. */
function opsErrorAnswer(error: Error, call: Partial<Call>): Answer {
  const answer = withVersion(oauthErrorAnswer(error, call))
  const commandLine = call.event && commandLineVersion(header(call.event, 'user-agent'))
  const unfit = commandLine === undefined || answer.status >= 500 ? undefined : mismatch(commandLine, version)
  if (unfit === undefined) return answer
  const known = asOAuthError(error)
  const body = { error: known.error, error_description: sanitise(`${known.message} ${unfit}`) }
  return { ...answer, body }
}

/** Logs a fault. Exported for endpoints that answer a fault in their own way. */
export function reportFault(error: Error, call: PartialCall | undefined): void {
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

/** RFC 6749 §5.1. An answer may set its own cache-control. */
const uncached = { 'cache-control': 'no-store', pragma: 'no-cache' } as const

function write(answer: Answer, call: PartialCall, access: Access, error?: Error): APIGatewayProxyResult {
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

function logRequest(answer: Answer, call: PartialCall, error: Error | undefined): void {
  const known = error && asOAuthError(error)
  log(
    {
      // An event that has happened is logged even if the request fails after it.
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
