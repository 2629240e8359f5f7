/**
 * Properties of every stage's template that neither CloudFormation's schemas nor cdk-nag check, and that would show only in
 * an account.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { synthesized, synthesizedStage } from './support/shapes.ts'
import { ofType, type Resource, type Resources, referred, text } from './support/template.ts'

const templates = {
  dev: synthesizedStage('dev'),
  prod: synthesizedStage('prod'),
  'prod that mails its alarms': synthesized('with mail for alarms'),
}

/** Properties by which a resource gets its name from the template. */
const nameProperties = [
  ...['LogGroupName', 'TableName', 'FunctionName', 'RoleName', 'ManagedPolicyName', 'DashboardName', 'AliasName'],
  ...['TopicName', 'BucketName', 'QueueName', 'AlarmName', 'DomainName', 'Name'],
]

for (const [stage, { resources }] of Object.entries(templates)) {
  const all = Object.entries(resources)

  describe(`in the template of ${stage}`, () => {
    test('each alarm topic lets CloudWatch publish, for this account only', () => {
      const actions = ofType(resources, 'AWS::CloudWatch::Alarm').flatMap(([, { Properties }]) =>
        [Properties.AlarmActions, Properties.OKActions, Properties.InsufficientDataActions].flat(),
      )
      const topics = new Set(actions.map(referred).filter((id) => id !== undefined))
      assert.equal(topics.size, stage.endsWith('mails its alarms') ? 2 : 0)
      for (const topic of topics) assert.ok(letsCloudWatchPublish(resources, topic), topic)
    })

    test('a resource with a fixed name is not retained when its creation fails, so that it cannot block the next deployment', () => {
      const retained = all.filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain')
      for (const [id, { Properties }] of retained) {
        assert.deepEqual(
          Object.keys(Properties).filter((property) => nameProperties.includes(property)),
          [],
          id,
        )
      }
    })

    test('a scheduled function is called once per event, and its run ends before the next one begins', () => {
      const rules = ofType(resources, 'AWS::Events::Rule')
      assert.ok(rules.length > 0)
      for (const [id, { Properties }] of rules) {
        for (const target of Properties.Targets as Target[]) {
          const fn = referred(target.Arn) ?? ''
          const config = invokeConfigOf(resources, fn)
          assert.equal(config?.MaximumRetryAttempts, 0, `${fn} may be tried again by Lambda`)
          assert.equal(target.RetryPolicy.MaximumRetryAttempts, 0, `${fn} may be tried again by EventBridge`)
          const waitSeconds = Number(config?.MaximumEventAgeInSeconds) + target.RetryPolicy.MaximumEventAgeInSeconds
          const latestEndSeconds = waitSeconds + Number(resources[fn]?.Properties.Timeout)
          assert.ok(
            latestEndSeconds <= secondsBetween(String(Properties.ScheduleExpression)),
            `${id}: ${latestEndSeconds} s`,
          )
        }
      }
    })

    test('names that are unique across regions contain the region', () => {
      const global = all.filter(([, { Type }]) => /^AWS::(IAM|CloudWatch::Dashboard|S3)/.test(Type))
      const names = global.flatMap(([, { Properties }]) =>
        nameProperties.filter((property) => property in Properties).map((property) => text(Properties[property])),
      )
      assert.ok(names.length > 0)
      for (const name of names) assert.ok(name.includes('eu-central-1'), name)
    })

    test('each log group has a retention, and each function writes to one of them', () => {
      for (const [id, { Properties }] of ofType(resources, 'AWS::Logs::LogGroup')) {
        assert.equal(Properties.RetentionInDays, stage === 'dev' ? 30 : 365, id)
      }
      for (const [id, { Properties }] of ofType(resources, 'AWS::Lambda::Function')) {
        const { LogGroup } = (Properties.LoggingConfig ?? {}) as { LogGroup?: unknown }
        assert.equal(resources[referred(LogGroup) ?? '']?.Type, 'AWS::Logs::LogGroup', id)
      }
    })
  })
}

type Target = {
  readonly Arn: unknown
  readonly RetryPolicy: { readonly MaximumRetryAttempts: number; readonly MaximumEventAgeInSeconds: number }
}

type TopicStatement = {
  readonly Effect: string
  readonly Action: string
  readonly Principal: { readonly Service?: string }
  readonly Resource: unknown
  readonly Condition?: { readonly StringEquals?: Readonly<Record<string, unknown>> }
}

function letsCloudWatchPublish(resources: Resources, topic: string): boolean {
  return ofType(resources, 'AWS::SNS::TopicPolicy')
    .filter(([, { Properties }]) => (Properties.Topics as unknown[]).some((one) => referred(one) === topic))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: TopicStatement[] }).Statement)
    .some(
      ({ Effect, Action, Principal, Resource, Condition }) =>
        Effect === 'Allow' &&
        Action === 'sns:Publish' &&
        Principal.Service === 'cloudwatch.amazonaws.com' &&
        referred(Resource) === topic &&
        referred(Condition?.StringEquals?.['aws:SourceAccount']) === 'AWS::AccountId',
    )
}

function invokeConfigOf(resources: Resources, fn: string): Resource['Properties'] | undefined {
  const configs = ofType(resources, 'AWS::Lambda::EventInvokeConfig')
  return configs.find(([, { Properties }]) => referred(Properties.FunctionName) === fn)?.[1].Properties
}

function secondsBetween(schedule: string): number {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule) ?? []
  return Number(count) * { minute: 60, hour: 3600, day: 86_400 }[unit as 'minute' | 'hour' | 'day']
}
