/**
 * The complete rights of each function.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rightsOf } from './support/rights.ts'
import {
  functions,
  ofType,
  referred,
  type Statement,
  synthesizedWithRegistry,
  text,
  theOnly,
} from './support/template.ts'

const { resources } = synthesizedWithRegistry()
const all = functions(resources)

const registrations = 'dynamodb:GetItem application#*'
const read = 'dynamodb:GetItem family#*'
const open = 'dynamodb:PutItem family#*'
const move = 'dynamodb:UpdateItem family#*'
const list = 'dynamodb:Query application#*'
const end = 'dynamodb:UpdateItem application#* (pk sk revokedBefore)'
const find = ['dynamodb:Query index/by-subject, index/by-client, index/by-email', 'dynamodb:BatchGetItem family#*']
const applications = 'dynamodb:GetItem registry'
const session = 'dynamodb:Query family#*'
const forget = 'dynamodb:DeleteItem family#*'
const count = 'dynamodb:UpdateItem throttle#*'
const record = ['dynamodb:PutItem assertion#*', 'dynamodb:GetItem assertion#*']
const tableKey = 'kms:Decrypt, kms:DescribeKey through dynamodb'
const writeKey =
  'kms:Decrypt, kms:DescribeKey, kms:Encrypt, kms:GenerateDataKey, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncryptFrom, kms:ReEncryptTo through dynamodb'
const keyring = 'secretsmanager:GetSecretValue keyring'
const providers = 'secretsmanager:GetSecretValue provider/*'
const secretsKey = 'kms:Decrypt through secretsmanager'
const log = 'logs:CreateLogStream, logs:PutLogEvents own log'
const everyone = [registrations, tableKey, keyring, secretsKey, log]
const authenticating = [...everyone, ...record, writeKey]

/** To hand out the provider's tokens, and to take them away with their session. */
const vault = [session, forget, providers]
const due = 'dynamodb:Query index/revocations-due'

const expected: Readonly<Record<string, readonly string[]>> = {
  'start-device-flow': [...authenticating, open, read, providers],
  poll: [...authenticating, move, read, ...vault, open],
  'exchange-code': [...authenticating, move, read, ...vault],
  refresh: [...authenticating, move, read, ...vault],
  'client-credentials': authenticating,
  'exchange-token': [...authenticating, move, read, session, providers],
  token: [...authenticating, move, read, ...vault, open],
  revoke: [...authenticating, move, read, forget, providers],
  introspect: [...authenticating, read],
  userinfo: [...everyone, read],
  authorize: [...everyone, providers],
  callback: [...everyone, providers, open, move, read, writeKey],
  activate: [...everyone, providers, move, read, count, writeKey],
  metadata: everyone,
  'api-docs': [log],
  sessions: [...everyone, list, end, ...find, read, move, writeKey, applications],
  'retry-revocations': [...everyone, due, move, read, forget, providers, writeKey],
  'check-keys': [keyring, secretsKey, log],
  'create-keyring': [
    'secretsmanager:GetSecretValue, secretsmanager:PutSecretValue keyring',
    'kms:Decrypt, kms:GenerateDataKey through secretsmanager',
    log,
  ],
  'apply-registry': [
    'dynamodb:GetItem, dynamodb:Query, dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem application#*,registry,registry#history',
    writeKey,
    log,
  ],
  'rotate-keys': [
    'secretsmanager:DescribeSecret, secretsmanager:GetSecretValue, secretsmanager:PutSecretValue, secretsmanager:UpdateSecretVersionStage keyring',
    'kms:Decrypt, kms:GenerateDataKey through secretsmanager',
    log,
  ],
}

for (const [name, rights] of Object.entries(expected)) {
  test(`${name} has exactly the rights that it needs`, () => {
    const found = rightsOf(resources, name).map(({ actions, on }) => `${actions.join(', ')} ${on}`)
    assert.deepEqual(found.sort(), [...rights].sort())
  })
}

test('there are no other functions', () => {
  assert.deepEqual([...all.keys()].sort(), Object.keys(expected).sort())
})

test('each function has a role of its own, which only Lambda can assume', () => {
  const roles = [...all.values()].map(({ Properties }) => referred(Properties.Role))
  assert.equal(new Set(roles).size, all.size)
  for (const role of roles) {
    const { Statement } = resources[role!]!.Properties.AssumeRolePolicyDocument as { Statement: unknown }
    assert.deepEqual(Statement, [
      { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } },
    ])
  }
})

test("no function's policy has a wildcard resource except the providers' secrets", () => {
  const wide = ofType(resources, 'AWS::IAM::Policy')
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement)
    .flatMap(({ Resource }) => [Resource].flat().map(text))
    .filter((resource) => resource.includes('*'))
  assert.equal(wide.length, Object.values(expected).filter((rights) => rights.includes(providers)).length)
  for (const resource of wide) assert.match(resource, /:secret:token-broker\/test\/provider\/\*$/)
})

test('the environment of each function names its resources and holds no secret', () => {
  for (const [name, { Properties }] of all) {
    const { Variables = {} } = (Properties.Environment ?? {}) as { Variables?: Record<string, unknown> }
    const where = Object.fromEntries(Object.entries(Variables).map(([key, value]) => [key, text(value)]))
    const secrets = { SECRETS: 'secretsmanager:token-broker/test/', METRICS_NAMESPACE: 'TokenBroker/test' }
    const { METRICS_NAMESPACE } = secrets
    const table = { METRICS_NAMESPACE, TABLE_NAME: `<${theOnly(resources, 'AWS::DynamoDB::GlobalTable').id}>` }
    if (name === 'api-docs') assert.deepEqual(where, { METRICS_NAMESPACE: secrets.METRICS_NAMESPACE })
    else if (name === 'apply-registry') assert.deepEqual(where, table)
    else if (['create-keyring', 'rotate-keys', 'check-keys'].includes(name)) assert.deepEqual(where, secrets)
    else {
      const { AUDIT_LOG_GROUPS: _, ...rest } = where
      assert.equal('AUDIT_LOG_GROUPS' in where, name === 'sessions')
      assert.deepEqual(rest, { ...secrets, ...table })
    }
  }
})
