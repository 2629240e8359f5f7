/**
 * What the environment tells a function.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configFrom } from '../shared/config.ts'

test('the table and the place of the secrets are needed, the base URL is not', () => {
  const least = { TABLE_NAME: 'table', SECRETS: 'file:/x' }
  const rest = { baseUrl: undefined, auditLogGroups: [] }
  assert.deepEqual(configFrom(least), { tableName: 'table', secrets: 'file:/x', ...rest })
  assert.deepEqual(configFrom({ ...least, BASE_URL: '' }).baseUrl, undefined)
  for (const missing of [{ TABLE_NAME: 'table' }, { SECRETS: 'file:/x' }, { ...least, TABLE_NAME: '' }, {}]) {
    assert.throws(() => configFrom(missing), /TABLE_NAME and SECRETS must be set/)
  }
})

test('the base URL has no slash at its end', () => {
  const baseUrlOf = (BASE_URL: string) => configFrom({ TABLE_NAME: 't', SECRETS: 's', BASE_URL }).baseUrl
  assert.equal(baseUrlOf('https://auth.example'), 'https://auth.example')
  assert.equal(baseUrlOf('https://auth.example/base//'), 'https://auth.example/base')
})

test('the log groups of the audit are a list', () => {
  const groupsOf = (AUDIT_LOG_GROUPS: string) =>
    configFrom({ TABLE_NAME: 't', SECRETS: 's', AUDIT_LOG_GROUPS }).auditLogGroups
  assert.deepEqual(groupsOf(''), [])
  assert.deepEqual(groupsOf('/token-broker/prod/refresh,/token-broker/prod/sessions'), [
    '/token-broker/prod/refresh',
    '/token-broker/prod/sessions',
  ])
})
