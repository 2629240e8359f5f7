/**
 * API Gateway's own answers, as OAuth errors (RFC 6749 §5.2).
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crossOriginHeaders, securityHeaders } from '../../shared/http/headers.ts'
import { ofType, synthesized } from './support/template.ts'

const { resources } = synthesized()

type GatewayResponse = {
  readonly ResponseType: string
  readonly StatusCode?: string
  readonly ResponseParameters: Readonly<Record<string, string>>
  readonly ResponseTemplates: Readonly<Record<string, string>>
}
const responses = ofType(resources, 'AWS::ApiGateway::GatewayResponse').map(
  ([, { Properties }]) => Properties as GatewayResponse,
)
const header = ({ ResponseParameters }: GatewayResponse, name: string) =>
  ResponseParameters[`gatewayresponse.header.${name}`]

test("each of the gateway's own answers is an OAuth error with its status", () => {
  const told = responses.map(({ ResponseType, StatusCode, ResponseTemplates }) => {
    assert.deepEqual(Object.keys(ResponseTemplates), ['application/json'])
    const { error, error_description, ...more } = JSON.parse(ResponseTemplates['application/json']!)
    assert.deepEqual(more, {})
    assert.match(error_description, /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    return `${ResponseType} ${StatusCode ?? '-'} ${error}`
  })
  assert.deepEqual(told.sort(), [
    'ACCESS_DENIED 403 access_denied',
    'API_CONFIGURATION_ERROR 500 server_error',
    // The defaults cover every other type, so that no answer of API Gateway's own format is left.
    'DEFAULT_4XX - invalid_request',
    'DEFAULT_5XX 503 temporarily_unavailable',
    'EXPIRED_TOKEN 403 access_denied',
    'INTEGRATION_FAILURE 503 temporarily_unavailable',
    'INTEGRATION_TIMEOUT 503 temporarily_unavailable',
    'INVALID_SIGNATURE 403 access_denied',
    // An unsigned call of an IAM route.
    'MISSING_AUTHENTICATION_TOKEN 403 access_denied',
    'QUOTA_EXCEEDED 429 temporarily_unavailable',
    'REQUEST_TOO_LARGE 413 invalid_request',
    'THROTTLED 429 temporarily_unavailable',
  ])
})

test('the gateway’s 429 and 503 have Retry-After, and no other answers', () => {
  for (const response of responses) {
    const isTryAgain = response.StatusCode === '429' || response.StatusCode === '503'
    assert.equal(header(response, 'retry-after'), isTryAgain ? "'1'" : undefined, response.ResponseType)
  }
})

test('the gateway’s answers are not cacheable, and carry the request id that callers cannot choose', () => {
  for (const response of responses) {
    assert.equal(header(response, 'cache-control'), "'no-store'")
    assert.equal(header(response, 'x-request-id'), 'context.extendedRequestId')
  }
})

test('the gateway’s answers have the same security headers as the functions’', () => {
  for (const response of responses) {
    for (const [name, value] of Object.entries(securityHeaders)) assert.equal(header(response, name), `'${value}'`)
  }
})

test('only answers that a route with CORS can meet carry CORS headers', () => {
  const readable = responses.filter((response) => header(response, 'access-control-allow-origin') !== undefined)
  for (const response of readable) {
    for (const [name, value] of Object.entries(crossOriginHeaders)) assert.equal(header(response, name), `'${value}'`)
  }
  assert.deepEqual(
    responses
      .filter((response) => !readable.includes(response))
      .map(({ ResponseType }) => ResponseType)
      .sort(),
    ['ACCESS_DENIED', 'DEFAULT_4XX', 'EXPIRED_TOKEN', 'INVALID_SIGNATURE', 'MISSING_AUTHENTICATION_TOKEN'],
  )
})
