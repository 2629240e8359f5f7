/** The error answers of each kind of endpoint. */

import type { JsonErrorCode } from '../http/errors.ts'
import { html, requestId } from './schemas.ts'
import type { Response, Responses, Schema } from './types.ts'

const meanings: Readonly<Record<JsonErrorCode, string>> = {
  invalid_request: 'The request is malformed.',
  invalid_client: 'Client authentication failed.',
  invalid_grant: 'Unknown, expired, revoked or already used. Please sign in again.',
  unauthorized_client: 'The client is not registered for this.',
  unsupported_grant_type: 'This endpoint does not serve this grant_type.',
  invalid_scope: 'scope is malformed, or more than this client may ask for.',
  invalid_target: 'resource and audience must be what this client may ask for.',
  authorization_pending: 'The person has not decided yet. Please poll again.',
  slow_down: 'Polled too early. Please wait five seconds longer from now on.',
  access_denied: 'The person declined, or the caller is not allowed to do this.',
  expired_token: 'The device code has expired. Please start again.',
  unsupported_token_type: 'An access token of the client itself can not be revoked.',
  invalid_token: 'The access token is invalid, expired or revoked.',
  insufficient_scope: 'The access token lacks the scope for userinfo.',
  temporarily_unavailable:
    'Please try again shortly. What you hold stays valid, unless the answer to a write was lost.',
  server_error: 'Something went wrong here. Please report the request id.',
  not_found: 'There is no such session, client, application or file.',
}

export const errorSchema: Schema = {
  type: 'object',
  required: ['error', 'error_description'],
  properties: {
    error: { type: 'string', enum: Object.keys(meanings) },
    error_description: { type: 'string', description: 'For developers. It never holds a secret or a token.' },
  },
}

const retryAfter = { ...requestId, 'Retry-After': { $ref: '#/components/headers/RetryAfter' } }
/** The web firewall, which limits addresses, knows no request ids. */
const limited = {
  'X-Request-Id': { $ref: '#/components/headers/OptionalRequestId' },
  'Retry-After': { $ref: '#/components/headers/RetryAfter' },
}
const challenge = { ...requestId, 'WWW-Authenticate': { $ref: '#/components/headers/Challenge' } }

/** An answer with one of these errors. */
function refusal(
  description: string,
  codes: readonly JsonErrorCode[],
  headers: Response['headers'] = requestId,
): Response {
  const examples = codes.map((error) => [error, { value: { error, error_description: meanings[error] } }] as const)
  const schema = { allOf: [{ $ref: '#/components/schemas/Error' }, { properties: { error: { enum: codes } } }] }
  return { description, headers, content: { 'application/json': { schema, examples: Object.fromEntries(examples) } } }
}

/** An answer that is a page if a function gives it, and JSON if the gateway does. */
function asPage(answer: Response, headers = answer.headers): Response {
  return { ...answer, ...(headers && { headers }), content: { ...html, ...answer.content } }
}

/** Answers that every route may give, by the gateway or when something is out of reach. */
const common = {
  TooLarge: refusal('The request is too large: a body of more than 64 KB, or headers of more than 10 KB.', [
    'invalid_request',
  ]),
  TooMany: refusal(
    'There are too many requests, from everybody or from this address.',
    ['temporarily_unavailable'],
    limited,
  ),
  ServerError: refusal('A fault of the broker.', ['server_error']),
  Unavailable: refusal(
    'The table or the identity provider is out of reach. Try again after Retry-After. Nothing is spent, unless the answer to a write was lost: then a retry within the client’s grace gets the same successor.',
    ['temporarily_unavailable'],
    retryAfter,
  ),
}

/** The same at the routes of pages. */
const commonAtPages = {
  PageTooLarge: asPage(common.TooLarge),
  PageTooMany: asPage(common.TooMany),
  PageServerError: asPage(common.ServerError),
  // Without Retry-After if an operator has to mend something first.
  PageUnavailable: asPage(common.Unavailable, {
    ...requestId,
    'Retry-After': { $ref: '#/components/headers/OptionalRetryAfter' },
  }),
}

export const commonErrors: Readonly<Record<string, Response>> = { ...common, ...commonAtPages }

const malformed = refusal('The request is malformed.', ['invalid_request'])

export const anywhere: Responses = {
  400: malformed,
  413: { $ref: '#/components/responses/TooLarge' },
  429: { $ref: '#/components/responses/TooMany' },
  500: { $ref: '#/components/responses/ServerError' },
  503: { $ref: '#/components/responses/Unavailable' },
}

/** @param description of what else 400 means there */
export function pageErrors(description: string): Responses {
  return {
    400: asPage({ ...malformed, description: `The request is malformed. ${description}` }),
    404: { description: 'There is no such application.', headers: requestId, content: html },
    413: { $ref: '#/components/responses/PageTooLarge' },
    429: { $ref: '#/components/responses/PageTooMany' },
    500: { $ref: '#/components/responses/PageServerError' },
    503: { $ref: '#/components/responses/PageUnavailable' },
  }
}

export function fileErrors(): Responses {
  return { ...anywhere, 404: refusal('There is no such file.', ['not_found']) }
}

const noApplication = { 404: refusal('There is no such application.', ['invalid_request']) }
const noClient = {
  401: refusal(
    'The client is unknown or did not prove who it is. The challenge comes if it tried Basic.',
    ['invalid_client'],
    challenge,
  ),
}

/** Of an endpoint that programs call about an application. */
export function publicErrors(): Responses {
  return { ...anywhere, ...noApplication }
}

/** Of an endpoint that authenticates its client. */
export function clientErrors(codes: readonly JsonErrorCode[]): Responses {
  return {
    ...publicErrors(),
    400: refusal('The request is refused; nothing is spent.', ['invalid_request', ...codes]),
    ...noClient,
  }
}

const sessionOver: readonly JsonErrorCode[] = [
  'authorization_pending',
  'expired_token',
  'access_denied',
  'invalid_grant',
]

/** Of a token endpoint. Applications with `errorProfile: "auth0"` have other statuses for the same errors. */
export function tokenErrors(codes: readonly JsonErrorCode[]): Responses {
  const forAuth0 = sessionOver.filter((code) => codes.includes(code))
  const forbidden: readonly JsonErrorCode[] = codes.includes('access_denied') ? [] : ['access_denied']
  return {
    ...clientErrors([...codes, 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope', 'invalid_target']),
    403: refusal(
      'The client may not have what it asks for at a token exchange. With `errorProfile: "auth0"` also the errors that are otherwise 400.',
      [...forAuth0, ...forbidden, 'unauthorized_client'],
    ),
    ...(codes.includes('slow_down') && {
      429: refusal(
        'There are too many requests. With `errorProfile: "auth0"` also polls that come too early, without Retry-After.',
        ['temporarily_unavailable', 'slow_down'],
        { ...limited, 'Retry-After': { $ref: '#/components/headers/OptionalRetryAfter' } },
      ),
    }),
  }
}

/** RFC 6750 §3.1: a caller without a token is not told an error. */
function orEmpty(answer: Response): Response {
  const { schema, ...rest } = answer.content!['application/json']!
  const empty = { type: 'object', maxProperties: 0 }
  return { ...answer, content: { 'application/json': { ...rest, schema: { anyOf: [schema, empty] } } } }
}

export function userinfoErrors(): Responses {
  return {
    ...publicErrors(),
    400: refusal('The access token was sent twice, or the body is malformed.', ['invalid_request'], challenge),
    401: orEmpty(
      refusal(
        'There is no access token, or it is invalid, expired or revoked. Without a token the body is an empty object.',
        ['invalid_token'],
        challenge,
      ),
    ),
    403: refusal('The access token lacks the scope.', ['insufficient_scope'], challenge),
  }
}

/** @param finds whether the request names something that may be missing */
export function opsErrors(finds: boolean): Responses {
  return {
    ...anywhere,
    400: refusal('A parameter is unknown, malformed or sent twice.', ['invalid_request']),
    403: refusal('The request is not signed, or IAM does not allow it.', ['access_denied']),
    ...(finds && {
      404: refusal('There is no such application, client or session.', ['invalid_request', 'not_found']),
    }),
  }
}
