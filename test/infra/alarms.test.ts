/**
 * What wakes somebody up.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Match } from 'aws-cdk-lib/assertions'
import { functionNames } from '../../infra/bundle.ts'
import { ofType, synthesize } from './support/template.ts'

const { template, resources } = synthesize()
const alarm = (name: string, props: object) =>
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmName: `token-broker-test-${name}`,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
    ...props,
  })

test('5xx of the API', () => {
  alarm('server-errors', { Namespace: 'AWS/ApiGateway', MetricName: '5XXError', Statistic: 'Sum', Threshold: 5 })
})

test('the slowest of a hundred requests', () => {
  alarm('slow', { Namespace: 'AWS/ApiGateway', MetricName: 'Latency', ExtendedStatistic: 'p99', Threshold: 3000 })
})

test('a table that turns requests away, whichever of the three kinds there are', () => {
  const throttled = (operation: string) =>
    Match.objectLike({
      MetricStat: {
        Metric: {
          Namespace: 'AWS/DynamoDB',
          MetricName: 'ThrottledRequests',
          Dimensions: Match.arrayWith([{ Name: 'Operation', Value: operation }]),
        },
        Period: 300,
        Stat: 'Sum',
      },
    })
  alarm('table-throttled', {
    Threshold: 1,
    Metrics: Match.arrayWith(['GetItem', 'PutItem', 'UpdateItem'].map(throttled)),
  })
})

test('errors and throttles of each function', () => {
  const metric = (name: string) =>
    Match.objectLike({ MetricStat: Match.objectLike({ Metric: Match.objectLike({ MetricName: name }) }) })
  for (const name of functionNames) {
    alarm(`${name}-fails`, {
      Threshold: 1,
      Metrics: Match.arrayWith([
        Match.objectLike({ Expression: 'errors + throttles' }),
        metric('Errors'),
        metric('Throttles'),
      ]),
    })
  }
})

test('these are all, and by default they tell nobody', () => {
  const alarms = ofType(resources, 'AWS::CloudWatch::Alarm')
  assert.equal(alarms.length, 3 + functionNames.length + ['retry-revocations'].length)
  for (const [, { Properties }] of alarms) assert.equal(Properties.AlarmActions, undefined)
  template.resourceCountIs('AWS::SNS::Topic', 0)
})

test('a topic is told when an alarm begins and when it ends', () => {
  const topicArn = 'arn:aws:sns:eu-central-1:123456789012:ops'
  const told = synthesize({ alarms: { topicArn } })
  for (const [, { Properties }] of ofType(told.resources, 'AWS::CloudWatch::Alarm')) {
    assert.deepEqual([Properties.AlarmActions, Properties.OKActions], [[topicArn], [topicArn]])
  }
})

test('an address gets its mail through a topic that takes nothing in the clear', () => {
  const { template: mailing } = synthesize({ alarms: { email: 'ops@example.com' } })
  mailing.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' })
  mailing.hasResourceProperties('AWS::SNS::TopicPolicy', {
    PolicyDocument: Match.objectLike({
      Statement: Match.arrayWith([
        Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      ]),
    }),
  })
})
