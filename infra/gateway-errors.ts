/**
 * What the gateway says when it answers by itself: OAuth's error body (RFC 6749 §5.2) instead of API Gateway's own.
 *
 * Owns those answers. What functions answer passes untouched.
 */

import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway'

type GatewayError = {
  readonly type: ResponseType
  /** @default - the gateway's own */
  readonly status?: number
  readonly error: 'invalid_request' | 'temporarily_unavailable' | 'server_error'
  readonly description: string
  readonly retryAfterSeconds?: number
}

const tryAgain = { error: 'temporarily_unavailable', retryAfterSeconds: 1 } as const

const errors: readonly GatewayError[] = [
  {
    // What API Gateway calls a request that no route fits.
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    status: 404,
    error: 'invalid_request',
    description: 'There is no such endpoint.',
  },
  {
    type: ResponseType.REQUEST_TOO_LARGE,
    status: 413,
    error: 'invalid_request',
    description: 'The request is too large.',
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
  },
]

export function answerErrorsAsOAuth(api: RestApi): void {
  for (const { type, status, error, description, retryAfterSeconds } of errors) {
    api.addGatewayResponse(type.responseType, {
      type,
      ...(status !== undefined && { statusCode: String(status) }),
      responseHeaders: {
        'cache-control': "'no-store'",
        pragma: "'no-cache'",
        'strict-transport-security': "'max-age=63072000; includeSubDomains'",
        'x-content-type-options': "'nosniff'",
        'x-request-id': 'context.requestId',
        ...(retryAfterSeconds !== undefined && { 'retry-after': `'${retryAfterSeconds}'` }),
      },
      templates: { 'application/json': JSON.stringify({ error, error_description: description }) },
    })
  }
}
