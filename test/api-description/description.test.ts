/**
 * The description of the API covers the route table, the grants and the parameters, and is valid OpenAPI 3.1.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { routes } from '../../infra/routes.ts'
import { grants } from '../../shared/api-description/grants.ts'
import { describeApi } from '../../shared/api-description/openapi.ts'
import { operations } from '../../shared/api-description/operations.ts'
import type { Content, Operation, Response } from '../../shared/api-description/types.ts'
import { parameterNames } from '../../shared/http/parameters.ts'
import { compile, resolved } from './support.ts'

const document = describeApi(routes, 'https://auth.example.com/base')
const described = Object.entries(operations)

function contentsOf({ requestBody, responses }: Operation): readonly Content[] {
  const answers = Object.values(responses).map((response) => resolved<Response>(document, response).content ?? {})
  return [requestBody?.content ?? {}, ...answers]
}

test('the description is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document))
  assert.deepEqual(errors ?? [], [])
  assert.equal(valid, true)
  assert.match(document.openapi, /^3\.1\./)
})

test('every route and method is described, and nothing else', () => {
  const expected = routes.flatMap(({ path, methods }) => methods.map((method) => `${method} ${path}`))
  assert.deepEqual(Object.keys(operations).sort(), expected.sort())
  const paths = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => key !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(paths.sort(), expected.sort())
})

test('a route that nobody has described makes the description fail', () => {
  assert.throws(() => describeApi([{ path: '/new', methods: ['GET'] }], 'https://auth.example.com'), /lacks GET \/new/)
})

test('every parameter that the broker reads is described at some route', () => {
  const inQueries = described.flatMap(([, { parameters = [] }]) => parameters.map(({ name }) => name))
  const inBodies = described.flatMap(([, { requestBody }]) =>
    Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => Object.keys(schema.properties as object)),
  )
  const missing = parameterNames.filter((name) => ![...inQueries, ...inBodies].includes(name))
  assert.deepEqual(missing, [])
})

test('the token endpoint describes every grant, with an example and all its parameters', () => {
  const { requestBody } = operations['POST /{application}/oauth/token']!
  for (const { schema, examples } of Object.values(requestBody!.content)) {
    const properties = schema.properties as Record<string, { enum?: string[] }>
    assert.deepEqual(properties.grant_type?.enum?.toSorted(), Object.keys(grants).sort())
    const shown = Object.values(examples!).map(({ value }) => (value as { grant_type: string }).grant_type)
    assert.deepEqual(shown.sort(), Object.keys(grants).sort())
    for (const { required, optional } of Object.values(grants)) {
      for (const name of [...required, ...optional]) assert.ok(name in properties, name)
    }
  }
})

test('each example fits its schema', () => {
  const wrong = described.flatMap(([key, operation]) =>
    contentsOf(operation).flatMap((content) =>
      Object.values(content).flatMap(({ schema, examples = {} }) =>
        Object.values(examples).flatMap(({ value }) =>
          compile(document, schema)(value).map((fault) => `${key}: ${fault}`),
        ),
      ),
    ),
  )
  assert.deepEqual(wrong, [])
})

test('each operation has a tag that is explained, an id of its own, and says what happens at a fault', () => {
  const tags = document.tags.map(({ name }) => name)
  for (const [key, { tags: own, responses }] of described) {
    assert.ok(tags.includes(own[0]), key)
    for (const status of ['413', '429', '500', '503']) assert.ok(status in responses, `${key}: ${status}`)
  }
  const ids = Object.values(document.paths).flatMap((item) =>
    Object.values(item as Record<string, { operationId?: string }>).flatMap(({ operationId }) => operationId ?? []),
  )
  assert.equal(new Set(ids).size, described.length)
})

test('routes that IAM authorises ask for a signature, and no other route does', () => {
  for (const { path, methods, authorization } of routes) {
    for (const method of methods) {
      const asks = operations[`${method} ${path}`]!.security.some((scheme) => 'awsSigV4' in scheme)
      assert.equal(asks, authorization === 'iam', `${method} ${path}`)
    }
  }
})
