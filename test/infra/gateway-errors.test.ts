/**
 * What callers read when no function gets to answer (RFC 6749 §5.2).
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
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

test("each of the gateway's own answers has its status and an OAuth error", () => {
  const told = responses.map(({ ResponseType, StatusCode, ResponseTemplates }) => {
    assert.deepEqual(Object.keys(ResponseTemplates), ['application/json'])
    const { error, error_description, ...more } = JSON.parse(ResponseTemplates['application/json']!)
    assert.deepEqual(more, {})
    assert.match(error_description, /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    return `${ResponseType} ${StatusCode ?? '-'} ${error}`
  })
  assert.deepEqual(told.sort(), [
    'API_CONFIGURATION_ERROR 500 server_error',
    // Whatever is not named otherwise, so that no answer of API Gateway's own is left.
    'DEFAULT_4XX - invalid_request',
    'DEFAULT_5XX 503 temporarily_unavailable',
    'INTEGRATION_FAILURE 503 temporarily_unavailable',
    'INTEGRATION_TIMEOUT 503 temporarily_unavailable',
    'MISSING_AUTHENTICATION_TOKEN 404 invalid_request',
    'QUOTA_EXCEEDED 429 temporarily_unavailable',
    'REQUEST_TOO_LARGE 413 invalid_request',
    'THROTTLED 429 temporarily_unavailable',
  ])
})

test('who is to try again is told when', () => {
  for (const response of responses) {
    const isTryAgain = response.StatusCode === '429' || response.StatusCode === '503'
    assert.equal(header(response, 'retry-after'), isTryAgain ? "'1'" : undefined, response.ResponseType)
  }
})

test('none is stored, and each names its request', () => {
  for (const response of responses) {
    assert.equal(header(response, 'cache-control'), "'no-store'")
    assert.equal(header(response, 'x-request-id'), 'context.requestId')
  }
})

test('none lets scripts of other origins read it, since they are the same at every route', () => {
  for (const response of responses) assert.equal(header(response, 'access-control-allow-origin'), undefined)
})
