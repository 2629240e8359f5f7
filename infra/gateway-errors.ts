/**
 * Shapes the errors that API Gateway answers itself, without a function, as OAuth errors (RFC 6749 §5.2).
 *
 * A gateway response applies to the whole API, unconditionally (docs/decisions/0040-what-the-gateway-answers-itself.md).
 */

import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway'
import { crossOriginHeaders, securityHeaders } from '../shared/http/headers.ts'

type GatewayError = {
  readonly type: ResponseType
  /** @default - the default status of the response type */
  readonly status?: number
  readonly error: 'invalid_request' | 'access_denied' | 'temporarily_unavailable' | 'server_error'
  readonly description: string
  readonly retryAfterSeconds?: number
  /** Set where a route with CORS can give this answer. */
  readonly crossOrigin?: true
}

const tryAgain = { error: 'temporarily_unavailable', retryAfterSeconds: 1, crossOrigin: true } as const

const errors: readonly GatewayError[] = [
  {
    // API Gateway uses this type for an unknown route and for an unsigned request to an IAM route.
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    status: 403,
    error: 'access_denied',
    description: 'There is no such endpoint, or it takes only requests that are signed with AWS credentials.',
  },
  // These occur at the operators' routes, which IAM authorizes, and at a private API's policy.
  ...[ResponseType.ACCESS_DENIED, ResponseType.INVALID_SIGNATURE, ResponseType.EXPIRED_TOKEN].map((type) => ({
    type,
    status: 403,
    error: 'access_denied' as const,
    description: 'AWS IAM or the network does not allow this request, or its signature is wrong or has expired.',
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
  // The function was throttled, crashed or timed out. In all three cases the caller should try again.
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
    const headers = {
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
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, `'${value}'`])),
        // Unlike `requestId`, callers cannot choose this id.
        'x-request-id': 'context.extendedRequestId',
      },
      templates: { 'application/json': JSON.stringify({ error, error_description: description }) },
    })
  }
}
