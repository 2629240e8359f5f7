/**
 * The API's routes: those of infra/routes.ts, each with its own function, and nothing else.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { preflightHeaders, routes } from '../../infra/routes.ts'
import { functions, type Method, methods, ofType, referred, synthesize, text } from './support/template.ts'

const { resources } = synthesize()
const all = methods(resources)
const isPreflight = ({ properties }: Method) => properties.HttpMethod === 'OPTIONS'

test('every route is there with its methods, answered by its own function, and there is no other', () => {
  const expected = routes.flatMap(({ path, methods, functionName }) =>
    methods.map((method) => `${method} ${path} → ${functionName}`),
  )
  const names = new Map([...functions(resources)].map(([name, { id }]) => [id, name]))
  const found = all
    .filter((method) => !isPreflight(method))
    .map(({ route, properties }) => `${route} → ${names.get(invoked(properties))}`)
  assert.deepEqual(found.sort(), expected.sort())
})

test('API Gateway may invoke a function for its own routes and no others', () => {
  const names = new Map([...functions(resources)].map(([name, { id }]) => [id, name]))
  const granted = ofType(resources, 'AWS::Lambda::Permission').map(([, { Properties }]) => {
    assert.equal(Properties.Principal, 'apigateway.amazonaws.com')
    const [, method, path] = /\/<\w+>\/([A-Z]+)(\/.*)$/.exec(text(Properties.SourceArn)) ?? []
    return `${method} ${path} → ${names.get(referred(Properties.FunctionName) ?? '')}`
  })
  const expected = routes.flatMap(({ path, methods, functionName }) =>
    methods.map((method) => `${method} ${path.replace('{application}', '*')} → ${functionName}`),
  )
  assert.deepEqual(granted.sort(), expected.sort())
})

test('a preflight is answered by the gateway at cross-origin routes, and at no others', () => {
  const preflights = all.filter(isPreflight)
  const expected = new Set(routes.filter(({ crossOrigin }) => crossOrigin).map(({ path }) => `OPTIONS ${path}`))
  assert.deepEqual(preflights.map(({ route }) => route).sort(), [...expected].sort())
  for (const { properties } of preflights) {
    const { Type, IntegrationResponses } = properties.Integration as Preflight
    assert.equal(Type, 'MOCK')
    assert.deepEqual(IntegrationResponses, [{ StatusCode: '204', ResponseParameters: quotedPreflightHeaders() }])
  }
})

test('no route asks for an API key or an authorizer, which OAuth clients could not have', () => {
  for (const { properties } of all) {
    assert.equal(properties.AuthorizationType, 'NONE')
    assert.equal(properties.ApiKeyRequired, undefined)
  }
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
