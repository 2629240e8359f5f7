/** The construct in the stacks of others: any account, region and partition, several at once, with tags, boundaries and aspects. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App, CfnResource, NestedStack, Stack, Stage, TagManager, Tags } from 'aws-cdk-lib'
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam'
import { AwsSolutionsChecks } from 'cdk-nag'
import { TokenBroker } from '../../infra/index.ts'
import { settingsOf } from '../../infra/settings.ts'
import { ofType, synthesizeIn, text, theOnly } from './support/template.ts'

const namesIn = (stack: Stack): string => settingsOf(stack, {}).brokerName

test('a broker needs no props, and no account and region', () => {
  const { stack, resources } = synthesizeIn((app) => {
    const stack = new Stack(app, 'Auth')
    new TokenBroker(stack, 'Broker')
    return stack
  })
  const { Replicas } = theOnly(resources, 'AWS::DynamoDB::GlobalTable').Properties
  const [{ Region, SSESpecification }] = Replicas as [
    { Region: unknown; SSESpecification: { KMSMasterKeyId: unknown } },
  ]
  assert.deepEqual(Region, { Ref: 'AWS::Region' })
  assert.match(text(SSESpecification.KMSMasterKeyId), /^<BrokerTableKey/)
  assert.deepEqual(new AwsSolutionsChecks().validateScope(stack).violations, [])
})

test('a broker follows AwsSolutions where account, region and partition are known', () => {
  const { stack } = synthesizeIn((app) => {
    app.node.setContext('@aws-cdk/core:enablePartitionLiterals', true)
    const stack = new Stack(app, 'Auth', { env: { account: '123456789012', region: 'eu-west-1' } })
    new TokenBroker(stack, 'Broker')
    return stack
  })
  assert.deepEqual(new AwsSolutionsChecks().validateScope(stack).violations, [])
})

for (const region of ['cn-north-1', 'us-gov-west-1']) {
  test(`no ARN and no host name of another partition is in a template for ${region}`, () => {
    const { resources } = synthesizeIn((app) => {
      const stack = new Stack(app, 'Auth', { env: { region } })
      new TokenBroker(stack, 'Broker')
      return stack
    })
    const whole = JSON.stringify(resources)
    assert.doesNotMatch(whole, /arn:aws:/)
    // Names of service principals are the same in every partition. KMS compares such a name in `kms:ViaService`.
    const hosts = whole.match(/[\w.-]+\.amazonaws\.com/g) ?? []
    const others = hosts.filter((name) => !/^[a-z]+\.amazonaws\.com$/.test(name))
    assert.deepEqual([...new Set(others)].sort(), [
      `dynamodb.${region}.amazonaws.com`,
      `secretsmanager.${region}.amazonaws.com`,
    ])
  })
}

test('two brokers in one stack share no name', () => {
  const { resources } = synthesizeIn((app) => {
    const stack = new Stack(app, 'Auth')
    new TokenBroker(stack, 'One')
    new TokenBroker(stack, 'Two')
    return stack
  })
  const named = Object.values(resources).filter(({ Type }) => !/Lambda::(Permission|EventInvokeConfig)$/.test(Type))
  const names = named.flatMap(({ Type, Properties }) =>
    Object.entries(Properties)
      .filter(([property]) =>
        /^(FunctionName|LogGroupName|AlarmName|DashboardName|ManagedPolicyName|AliasName)$/.test(property),
      )
      .map(([, value]) => `${Type} ${text(value)}`),
  )
  names.push(...ofType(resources, 'AWS::SecretsManager::Secret').map(([, { Properties }]) => String(Properties.Name)))
  assert.ok(names.length > 80)
  assert.equal(new Set(names).size, names.length)
})

test('a broker’s name follows from stack and path, and differs between stages, stacks and nested stacks', () => {
  const app = new App()
  const named = [
    namesIn(new Stack(app, 'Auth')),
    namesIn(new Stack(new Stage(app, 'Prod'), 'Auth')),
    namesIn(new Stack(new Stage(app, 'Test'), 'Auth')),
    namesIn(new Stack(app, 'Other', { stackName: 'An-odd-name--of-a-stack-that-is-long' })),
    namesIn(new NestedStack(new Stack(app, 'First'), 'Nested')),
    namesIn(new NestedStack(new Stack(app, 'Second'), 'Nested')),
  ]
  assert.equal(new Set(named).size, named.length)
  for (const name of named) assert.match(name, /^[a-z][a-z0-9-]{0,29}$/)
  assert.equal(namesIn(new Stack(new App(), 'Auth')), named[0])
})

test('tags, permission boundaries and aspects of the construct reach every resource that takes them', () => {
  const { stack, resources } = synthesizeIn((app) => {
    const stack = new Stack(app, 'Auth')
    const broker = new TokenBroker(stack, 'Broker')
    Tags.of(broker).add('team', 'identity')
    PermissionsBoundary.of(broker).apply(ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'))
    return stack
  })
  for (const [id, { Properties }] of ofType(resources, 'AWS::IAM::Role')) {
    assert.match(text(Properties.PermissionsBoundary), /policy\/boundary$/, id)
  }
  const taggable = stack.node
    .findAll()
    .filter((one) => CfnResource.isCfnResource(one) && TagManager.isTaggable(one))
    .map((one) => stack.getLogicalId(one as CfnResource))
  assert.ok(taggable.length > 50)
  for (const id of taggable) assert.match(JSON.stringify(resources[id]?.Properties), /"team"/, id)
  // Nothing of the broker is outside of it, where an aspect would not reach.
  assert.deepEqual(
    Object.keys(resources).filter((id) => !id.startsWith('Broker')),
    [],
  )
})
