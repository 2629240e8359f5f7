/**
 * The table, its key, the keyring, and how long they are kept.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Match } from 'aws-cdk-lib/assertions'
import { rightsOf } from './support/rights.ts'
import { arns, otherValues, synthesized } from './support/shapes.ts'
import {
  functions,
  ofType,
  type Resources,
  referred,
  type Statement,
  statementsOf,
  text,
  theOnly,
} from './support/template.ts'

const kept = synthesized('with every default')
const others = synthesized('with other values')
const scratch = synthesized('without everything that can be left out')

test('the table is on demand, recoverable to any second, encrypted with our key, and deletes expired items', () => {
  kept.template.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
    SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
    Replicas: [
      Match.objectLike({
        Region: 'eu-central-1',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { KMSMasterKeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('TableKey'), 'Arn'] } },
      }),
    ],
  })
})

test('there are two KMS keys of ours, one for the table and one for the secrets, and both rotate', () => {
  kept.template.resourceCountIs('AWS::KMS::Key', 2)
  kept.template.allResourcesProperties('AWS::KMS::Key', { EnableKeyRotation: true })
})

test('the keyring’s secret has a name and a key, and the template neither holds nor generates a value', () => {
  const { Properties } = theOnly(kept.resources, 'AWS::SecretsManager::Secret')
  assert.deepEqual(Object.keys(Properties).sort(), ['Description', 'KmsKeyId', 'Name'])
  assert.equal(Properties.Name, 'token-broker/test/keyring')
})

test('a policy denies reading the keyring to all but the functions with that right and the break-glass role', () => {
  for (const [{ resources }, named] of [
    [kept, []],
    [others, [otherValues.breakGlassRoleArn]],
  ] as const) {
    const { Properties, id } = theOnly(resources, 'AWS::SecretsManager::ResourcePolicy')
    assert.equal(referred(Properties.SecretId), theOnly(resources, 'AWS::SecretsManager::Secret').id)
    const { Statement } = Properties.ResourcePolicy as { Statement: [DenialStatement] }
    const [{ Condition, ...denial }] = Statement
    assert.equal(Statement.length, 1)
    assert.deepEqual(denial, {
      ...{ Effect: 'Deny', Principal: { AWS: '*' } },
      ...{ Action: 'secretsmanager:GetSecretValue', Resource: '*' },
    })
    const readers = [...functions(resources)].filter(([name]) => mayReadKeyring(resources, name))
    assert.ok(readers.length > 10)
    const roles = readers.map(([, { Properties }]) => `<${referred(Properties.Role)}>`)
    assert.deepEqual(Condition.ArnNotLike['aws:PrincipalArn'].map(text).sort(), [...roles, ...named].sort())
    for (const [name, { DependsOn }] of readers) assert.ok(DependsOn?.includes(id), `${name} starts with the policy`)
    assert.ok(
      theOnly(resources, 'Custom::TokenBrokerKeyring').DependsOn?.includes(id),
      'there is no keyring before the policy',
    )
  }
})

type DenialStatement = { readonly Condition: { readonly ArnNotLike: { readonly 'aws:PrincipalArn': unknown[] } } }

function mayReadKeyring(resources: Resources, name: string): boolean {
  if (functions(resources).get(name)?.Properties.FunctionName === undefined) return false
  return rightsOf(resources, name).some(
    ({ actions, on }) => on === 'keyring' && actions.includes('secretsmanager:GetSecretValue'),
  )
}

test('the deployment runs create-keyring after the secret exists, and waits for it', () => {
  const keyring = theOnly(kept.resources, 'AWS::SecretsManager::Secret').id
  assert.ok(theOnly(kept.resources, 'Custom::TokenBrokerKeyring').DependsOn?.includes(keyring))
  kept.template.hasResourceProperties('Custom::TokenBrokerKeyring', {
    ServiceToken: { 'Fn::GetAtt': [functions(kept.resources).get('create-keyring')?.id, 'Arn'] },
    // Without it, CloudFormation would wait an hour for a function that crashes.
    ServiceTimeout: '180',
  })
})

test('Secrets Manager of this account calls rotate-keys every 90 days, or as the settings say', () => {
  const schedule = theOnly(kept.resources, 'AWS::SecretsManager::RotationSchedule')
  const fn = functions(kept.resources).get('rotate-keys')?.id
  assert.equal(referred(schedule.Properties.RotationLambdaARN), fn)
  assert.equal(referred(schedule.Properties.SecretId), theOnly(kept.resources, 'AWS::SecretsManager::Secret').id)
  assert.deepEqual(schedule.Properties.RotationRules, { AutomaticallyAfterDays: 90 })
  assert.equal(schedule.Properties.RotateImmediatelyOnUpdate, false)
  const callers = ofType(kept.resources, 'AWS::Lambda::Permission').filter(
    ([, { Properties }]) => referred(Properties.FunctionName) === fn,
  )
  assert.deepEqual(
    callers.map(([, { Properties }]) => [Properties.Action, Properties.Principal, Properties.SourceAccount]),
    [['lambda:InvokeFunction', 'secretsmanager.amazonaws.com', { Ref: 'AWS::AccountId' }]],
  )
  const needed = [...(schedule.DependsOn ?? [])]
  assert.ok(needed.includes(theOnly(kept.resources, 'Custom::TokenBrokerKeyring').id), 'there is a keyring by then')
  assert.ok(needed.includes(callers[0]![0]), 'it may be called by then')
  const { RotationRules } = theOnly(others.resources, 'AWS::SecretsManager::RotationSchedule').Properties
  assert.deepEqual(RotationRules, { AutomaticallyAfterDays: 30 })
})

test('with keyRotationDays 0 there is no schedule, and Secrets Manager may not call rotate-keys', () => {
  const { resources } = scratch
  assert.deepEqual(ofType(resources, 'AWS::SecretsManager::RotationSchedule'), [])
  const fn = functions(resources).get('rotate-keys')?.id
  assert.ok(fn !== undefined)
  for (const [, { Properties }] of ofType(resources, 'AWS::Lambda::Permission')) {
    assert.notEqual(referred(Properties.FunctionName), fn)
  }
})

test('a restored table replaces the own one in every function and right, and the own one stays', () => {
  const { resources, template } = others
  const own = theOnly(resources, 'AWS::DynamoDB::GlobalTable')
  assert.equal(own.DeletionPolicy, 'Retain')
  const { Outputs, ...rest } = template.toJSON()
  assert.equal(Outputs.TableName.Value, 'restored')
  const allElse = Object.entries(rest.Resources as Resources).filter(([id]) => id !== own.id)
  assert.doesNotMatch(JSON.stringify(allElse), new RegExp(`"${own.id}"`))
  const tables = [...functions(resources).values()].flatMap(({ Properties }) => {
    const { Variables } = (Properties.Environment ?? {}) as { Variables?: { TABLE_NAME?: string } }
    return Variables?.TABLE_NAME ?? []
  })
  assert.deepEqual([...new Set(tables)], ['restored'])
  const granted = [...JSON.stringify(allElse).matchAll(/:table\/([\w-]+)/g)].map(([, name]) => name)
  assert.ok(granted.length > 20)
  assert.deepEqual([...new Set(granted)], ['restored'])
})

test('the restore runbook enables expiry, recovery and protection, and names every index', () => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const { Properties } = theOnly(kept.resources, 'AWS::DynamoDB::GlobalTable')
  const { AttributeName } = Properties.TimeToLiveSpecification as { AttributeName: string }
  const indexes = (Properties.GlobalSecondaryIndexes as { IndexName: string }[]).map(({ IndexName }) => IndexName)
  assert.ok(page.includes(`--time-to-live-specification Enabled=true,AttributeName=${AttributeName}`))
  assert.ok(page.includes('--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true'))
  assert.ok(page.includes('--deletion-protection-enabled'))
  for (const index of indexes) assert.ok(new RegExp(`indexes.*\`${index}\``, 's').test(page), index)
})

const lasting = {
  // A failed first deployment could not delete a protected table; its name is generated, so it blocks nothing.
  'AWS::DynamoDB::GlobalTable': 'Retain',
  'AWS::KMS::Key': 'RetainExceptOnCreate',
  'AWS::SecretsManager::Secret': 'RetainExceptOnCreate',
  'AWS::Logs::LogGroup': 'RetainExceptOnCreate',
} as const

for (const [type, policy] of Object.entries(lasting)) {
  test(`${type} outlives its stack, unless keepData is false`, () => {
    const ours = ofType(kept.resources, type)
    for (const [, { DeletionPolicy }] of ours) assert.equal(DeletionPolicy, policy)
    for (const [, { DeletionPolicy }] of ofType(scratch.resources, type)) assert.equal(DeletionPolicy, 'Delete')
  })
}

test('the table is protected from deletion, unless keepData is false', () => {
  const protectedTable = (isProtected: boolean) => ({
    Replicas: [Match.objectLike({ DeletionProtectionEnabled: isProtected })],
  })
  kept.template.hasResourceProperties('AWS::DynamoDB::GlobalTable', protectedTable(true))
  scratch.template.hasResourceProperties('AWS::DynamoDB::GlobalTable', protectedTable(false))
})

test('an existing key encrypts table and secrets, and the functions may use it', () => {
  const { resources, template } = synthesized('in a VPC, with a private API and an existing key')
  template.resourceCountIs('AWS::KMS::Key', 0)
  const [{ SSESpecification }] = theOnly(resources, 'AWS::DynamoDB::GlobalTable').Properties.Replicas as [Encrypted]
  assert.equal(SSESpecification.KMSMasterKeyId, arns.key)
  assert.equal(theOnly(resources, 'AWS::SecretsManager::Secret').Properties.KmsKeyId, arns.key)
  assert.ok(keyRightsOf(resources, 'refresh').every(({ Resource }) => Resource === arns.key))
})

type Encrypted = { readonly SSESpecification: { readonly KMSMasterKeyId: unknown } }

test('an existing table is used as it is, with its key', () => {
  const { resources } = synthesized('with an existing table')
  assert.deepEqual(ofType(resources, 'AWS::DynamoDB::GlobalTable'), [])
  const { Environment, Role } = functions(resources).get('refresh')!.Properties
  assert.equal((Environment as { Variables: { TABLE_NAME: unknown } }).Variables.TABLE_NAME, 'sessions')
  const statements = statementsOf(resources, referred(Role)!)
  assert.ok(statements.some(({ Action, Resource }) => Action === 'dynamodb:UpdateItem' && Resource === arns.table))
  assert.ok(keyRightsOf(resources, 'refresh').some(({ Resource }) => Resource === arns.tableKey))
})

function keyRightsOf(resources: Resources, name: string): Statement[] {
  const role = referred(functions(resources).get(name)?.Properties.Role) ?? ''
  return statementsOf(resources, role).filter(({ Action }) => [Action].flat()[0]?.startsWith('kms:'))
}
