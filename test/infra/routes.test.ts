/**
 * The API's routes, as infra/routes.ts has them, and the policy for operators.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { preflightHeaders, routes } from '../../infra/routes.ts'
import {
  functions,
  type Method,
  methods,
  ofType,
  type Resource,
  referred,
  synthesized,
  text,
  theOnly,
} from './support/template.ts'

const { resources } = synthesized()
const all = methods(resources)
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
