import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { schemaPath, schemaText } from '../../scripts/registry-schema.ts'

type Schema = {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly default?: unknown
  readonly anyOf?: readonly object[]
  readonly additionalProperties?: unknown
}

test('docs/registry.schema.json is up to date; `npm run schema` writes it', () => {
  assert.equal(readFileSync(schemaPath, 'utf8'), schemaText())
})

test('the JSON Schema has each member with its default, and allows no others', () => {
  const schema = JSON.parse(schemaText()) as Schema
  const client = schema.properties?.applications?.items?.properties?.clients?.items
  assert.equal(client?.properties?.graceSeconds?.default, 0)
  assert.equal(client?.additionalProperties, false)
  assert.deepEqual(client?.properties?.secrets?.anyOf?.[0], { const: 'table' })
  assert.ok(schema.properties?.$schema !== undefined)
})
