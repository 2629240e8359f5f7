/**
 * What the gateway says when it answers by itself: OAuth's error body (RFC 6749 §5.2) instead of API Gateway's own.
 *
 * Owns those answers. What functions answer passes untouched.
 *
 * A gateway response is one for the whole API and has no conditions (docs/decisions/0040-what-the-gateway-answers-itself.md).
 */

import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway'
import { crossOriginHeaders, securityHeaders } from '../shared/http/headers.ts'

type GatewayError = {
  readonly type: ResponseType
  /** @default - the gateway's own */
  readonly status?: number
  readonly error: 'invalid_request' | 'access_denied' | 'temporarily_unavailable' | 'server_error'
  readonly description: string
  readonly retryAfterSeconds?: number
  /** Any route may give this answer, those included that scripts of other origins may call. */
  readonly crossOrigin?: true
}

const tryAgain = { error: 'temporarily_unavailable', retryAfterSeconds: 1, crossOrigin: true } as const

const errors: readonly GatewayError[] = [
  {
    // Two cases that API Gateway does not tell apart: no route fits, or one of ops was called without a signature.
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    status: 403,
    error: 'access_denied',
    description: 'There is no such endpoint, or it takes only requests that are signed with AWS credentials.',
  },
  // A route of ops.
  ...[ResponseType.ACCESS_DENIED, ResponseType.INVALID_SIGNATURE, ResponseType.EXPIRED_TOKEN].map((type) => ({
    type,
    status: 403,
    error: 'access_denied' as const,
    description: 'AWS IAM does not allow this request, or its signature is wrong or has expired.',
  })),
  {
    type: ResponseType.REQUEST_TOO_LARGE,
    status: 413,
    error: 'invalid_request',
    description: 'The request is too large.',
    crossOrigin: true,
  },
  { type: ResponseType.DEFAULT_4XX, error: 'invalid_request', description: 'The request cannot be understood.' },
  { type: ResponseType.THROTTLED, status: 429, ...tryAgain, description: 'There are too many requests just now.' },
  { type: ResponseType.QUOTA_EXCEEDED, status: 429, ...tryAgain, description: 'There are too many requests just now.' },
  // A function that was throttled, crashed or took too long. The gateway cannot tell what became of the request, and the
  // caller can do the same about all of them: try again.
  ...[ResponseType.INTEGRATION_FAILURE, ResponseType.INTEGRATION_TIMEOUT, ResponseType.DEFAULT_5XX].map((type) => ({
    type,
    status: 503,
    ...tryAgain,
    description: 'Please try again shortly.',
  })),
  {
    type: ResponseType.API_CONFIGURATION_ERROR,
    status: 500,
    error: 'server_error',
    description: 'Something went wrong here. Please report the request id.',
    crossOrigin: true,
  },
]

export function answerErrorsAsOAuth(api: RestApi): void {
  for (const { type, status, error, description, retryAfterSeconds, crossOrigin } of errors) {
    const constant = {
      'cache-control': 'no-store',
      pragma: 'no-cache',
      ...securityHeaders,
      ...(crossOrigin && crossOriginHeaders),
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    }
    api.addGatewayResponse(type.responseType, {
      type,
      ...(status !== undefined && { statusCode: String(status) }),
      responseHeaders: {
        ...Object.fromEntries(Object.entries(constant).map(([name, value]) => [name, `'${value}'`])),
        // Unlike `requestId`, this one cannot be chosen by the caller.
        'x-request-id': 'context.extendedRequestId',
      },
      templates: { 'application/json': JSON.stringify({ error, error_description: description }) },
    })
  }
}
