import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configFrom } from '../../shared/config.ts'

test('TABLE_NAME and SECRETS are required, BASE_URL is not', () => {
  const least = { TABLE_NAME: 'table', SECRETS: 'file:/x' }
  const rest = { baseUrl: undefined, auditLogGroups: [] }
  assert.deepEqual(configFrom(least), { tableName: 'table', secrets: 'file:/x', ...rest })
  assert.deepEqual(configFrom({ ...least, BASE_URL: '' }).baseUrl, undefined)
  for (const missing of [{ TABLE_NAME: 'table' }, { SECRETS: 'file:/x' }, { ...least, TABLE_NAME: '' }, {}]) {
    assert.throws(() => configFrom(missing), /TABLE_NAME and SECRETS must be set/)
  }
})

test('BASE_URL loses its trailing slash', () => {
  const baseUrlOf = (BASE_URL: string) => configFrom({ TABLE_NAME: 't', SECRETS: 's', BASE_URL }).baseUrl
  assert.equal(baseUrlOf('https://auth.example'), 'https://auth.example')
  assert.equal(baseUrlOf('https://auth.example/base//'), 'https://auth.example/base')
})

test('AUDIT_LOG_GROUPS is a comma-separated list', () => {
  const groupsOf = (AUDIT_LOG_GROUPS: string) =>
    configFrom({ TABLE_NAME: 't', SECRETS: 's', AUDIT_LOG_GROUPS }).auditLogGroups
  assert.deepEqual(groupsOf(''), [])
  assert.deepEqual(groupsOf('/token-broker/prod/refresh,/token-broker/prod/sessions'), [
    '/token-broker/prod/refresh',
    '/token-broker/prod/sessions',
  ])
})
