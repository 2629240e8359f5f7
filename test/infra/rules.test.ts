/**
 * cdk-nag's AwsSolutions rules, for each shape that props give the stack, and the acknowledged exceptions.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App, Stack, Validations } from 'aws-cdk-lib'
import { CfnTopic } from 'aws-cdk-lib/aws-sns'
import { AwsSolutionsChecks } from 'cdk-nag'
import { shapeNames, synthesized } from './support/shapes.ts'

for (const shape of shapeNames) {
  test(`a stack ${shape} follows AwsSolutions`, () => {
    const { violations } = new AwsSolutionsChecks().validateScope(synthesized(shape).stack)
    assert.deepEqual(violations, [])
  })
}

test('cdk-nag finds a resource that breaks a rule', () => {
  const stack = new Stack(new App())
  new CfnTopic(stack, 'OpenTopic')
  const { violations } = new AwsSolutionsChecks().validateScope(stack)
  assert.deepEqual(
    violations.map(({ ruleName }) => ruleName),
    ['AwsSolutions-SNS3'],
  )
})

test('the acknowledged rules are these, each with a reason', () => {
  const { stack } = synthesized('without everything that can be left out')
  const acknowledged = stack.node.findAll().flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([id, reason]) => {
        assert.ok(reason.length > 30, id)
        return `${node.path.replace('token-broker-test/Default/', '')} ${/AwsSolutions-\w+/.exec(id)}`
      }),
  )
  assert.deepEqual([...new Set(acknowledged)].sort(), [
    'Gateway AwsSolutions-APIG2',
    'Gateway AwsSolutions-APIG4',
    'Gateway AwsSolutions-COG4',
    'Gateway AwsSolutions-IAM4',
    'Ops/Policy AwsSolutions-IAM5',
    'RetryRevocations/Scheduled AwsSolutions-IAM5',
    'Secrets/Keyring AwsSolutions-SMG4',
    'activate AwsSolutions-IAM5',
    'authorize AwsSolutions-IAM5',
    'callback AwsSolutions-IAM5',
    'exchange-code AwsSolutions-IAM5',
    'exchange-token AwsSolutions-IAM5',
    'poll AwsSolutions-IAM5',
    'refresh AwsSolutions-IAM5',
    'revoke AwsSolutions-IAM5',
    'start-device-flow AwsSolutions-IAM5',
    'token AwsSolutions-IAM5',
  ])
})
