/**
 * The complete rights of each function.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectedRights as expected, providers } from './support/expected-rights.ts'
import { rightsOf } from './support/rights.ts'
import { synthesized } from './support/shapes.ts'
import { functions, ofType, referred, type Statement, text, theOnly } from './support/template.ts'

const { resources } = synthesized('with a registry')
const all = functions(resources)

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
