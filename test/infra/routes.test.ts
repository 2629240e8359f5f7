/**
 * The API's routes, as infra/routes.ts has them, the policy for operators, and API Gateway's own answers as OAuth errors
 * (RFC 6749 §5.2).
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes as everyRoute, preflightHeaders } from '../../infra/routes.ts'
import { crossOriginHeaders, securityHeaders } from '../../shared/http/headers.ts'
import { synthesized } from './support/shapes.ts'
import { functions, type Method, methods, ofType, type Resource, referred, text, theOnly } from './support/template.ts'

const { resources } = synthesized('with every default')
const all = methods(resources)
const routes = everyRoute.filter(({ setting }) => setting === undefined)
const isPreflight = ({ properties }: Method) => properties.HttpMethod === 'OPTIONS'

test('the API has exactly the routes and methods of infra/routes.ts, each with its function', () => {
  const expected = routes.flatMap(({ path, methods, functionName }) =>
    methods.map((method) => `${method} ${path} → ${functionName}`),
  )
  const names = new Map([...functions(resources)].map(([name, { id }]) => [id, name]))
  const found = all
    .filter((method) => !isPreflight(method))
    .map(({ route, properties }) => `${route} → ${names.get(invoked(properties))}`)
  assert.deepEqual(found.sort(), expected.sort())
})

test('the API has the pages at /apidocs/ only where the stage turns them on, and the description everywhere', () => {
  const documents = (found: readonly Method[]) =>
    found.map(({ route }) => route).filter((route) => /^GET \/(apidocs|openapi)/.test(route))
  assert.deepEqual(documents(all), ['GET /openapi.json'])
  const withPages = methods(synthesized('with other values').resources)
  assert.deepEqual(documents(withPages).sort(), ['GET /apidocs', 'GET /apidocs/{file}', 'GET /openapi.json'])
})

test('API Gateway may invoke each function only for its own routes', () => {
  const names = new Map([...functions(resources)].map(([name, { id }]) => [id, name]))
  const isGateway = ({ Principal }: Resource['Properties']) => Principal === 'apigateway.amazonaws.com'
  const permissions = ofType(resources, 'AWS::Lambda::Permission').filter(([, { Properties }]) => isGateway(Properties))
  const granted = permissions.map(([, { Properties }]) => {
    const [, method, path] = /\/<\w+>\/([A-Z]+)(\/.*)$/.exec(text(Properties.SourceArn)) ?? []
    return `${method} ${path} → ${names.get(referred(Properties.FunctionName) ?? '')}`
  })
  const expected = routes.flatMap(({ path, methods, functionName }) =>
    methods.map((method) => `${method} ${path.replace(/\{\w+\}/g, '*')} → ${functionName}`),
  )
  assert.deepEqual(granted.sort(), expected.sort())
})

test('the gateway answers preflights at cross-origin routes only', () => {
  const preflights = all.filter(isPreflight)
  const expected = new Set(routes.filter(({ crossOrigin }) => crossOrigin).map(({ path }) => `OPTIONS ${path}`))
  assert.deepEqual(preflights.map(({ route }) => route).sort(), [...expected].sort())
  for (const { properties } of preflights) {
    const { Type, IntegrationResponses } = properties.Integration as Preflight
    assert.equal(Type, 'MOCK')
    assert.deepEqual(IntegrationResponses, [{ StatusCode: '204', ResponseParameters: quotedPreflightHeaders() }])
  }
})

test('routes for ops require IAM; no route requires an API key or an authorizer', () => {
  for (const { route, properties } of all) {
    assert.equal(
      properties.AuthorizationType,
      /\/(sessions|applications)(\/|$)/.test(route) ? 'AWS_IAM' : 'NONE',
      route,
    )
    assert.equal(properties.AuthorizerId, undefined)
    assert.equal(properties.ApiKeyRequired, undefined)
  }
})

test('the operator policy allows the IAM routes and the logs of this stage only, and is attached to nobody', () => {
  const { Properties } = theOnly(resources, 'AWS::IAM::ManagedPolicy')
  const { Statement } = Properties.PolicyDocument as { Statement: { Action: unknown; Resource: unknown }[] }
  assert.equal(Properties.ManagedPolicyName, 'token-broker-test-eu-central-1-ops')
  assert.deepEqual(
    Statement.map(({ Action, Resource }) => [
      Action,
      [Resource]
        .flat()
        .map((one) => text(one).replace(/^.*>\/test\/|^.*:log-group:/, ''))
        .sort(),
    ]),
    [
      [
        'execute-api:Invoke',
        ['DELETE/*/sessions/*', 'GET/*/sessions', 'GET/*/sessions/*', 'GET/applications', 'POST/*/sessions/revoke'],
      ],
      ['logs:StartQuery', ['/token-broker/test/*']],
      ['logs:GetQueryResults', ['*']],
    ],
  )
  assert.deepEqual([Properties.Users, Properties.Roles, Properties.Groups], [undefined, undefined, undefined])
})

test('the sessions function knows the log groups that a session’s history is in', () => {
  const { Environment } = functions(resources).get('sessions')!.Properties
  const { AUDIT_LOG_GROUPS } = (Environment as { Variables: { AUDIT_LOG_GROUPS: string } }).Variables
  // retry-revocations tells providers of ended sessions, which is part of their history.
  const names = new Set([...routes.map(({ functionName }) => functionName), 'retry-revocations'])
  assert.deepEqual(AUDIT_LOG_GROUPS.split(',').sort(), [...names].map((name) => `/token-broker/test/${name}`).sort())
})

type Preflight = { readonly Type: string; readonly IntegrationResponses: unknown }

function quotedPreflightHeaders(): Record<string, string> {
  const entries = Object.entries(preflightHeaders)
  return Object.fromEntries(entries.map(([name, value]) => [`method.response.header.${name}`, `'${value}'`]))
}

function invoked(properties: Method['properties']): string {
  const { Type, Uri } = properties.Integration as { Type: string; Uri: unknown }
  assert.equal(Type, 'AWS_PROXY')
  return /functions\/<(\w+)>\/invocations$/.exec(text(Uri))?.[1] ?? ''
}

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
