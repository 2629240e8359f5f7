/**
 * The alarms and the dashboard of the template.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Match } from 'aws-cdk-lib/assertions'
import { functionNames } from '../../infra/deployed-functions.ts'
import { type Metric, type MetricName, metrics } from '../../shared/metrics.ts'
import { arns, synthesized } from './support/shapes.ts'
import { ofType, type Resources, text, theOnly } from './support/template.ts'

const { template, resources } = synthesized('with every default')
const others = synthesized('with other values').template
const least = synthesized('without everything that can be left out').template
/** All except create-keyring, with which the deployment itself fails. */
const watched = [...functionNames, 'retry-revocations', 'check-keys', 'rotate-keys']
const alarm = (name: string, props: object) =>
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmName: `token-broker-test-${name}`,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
    ...props,
  })

test('an alarm begins at five 5xx answers in five minutes', () => {
  alarm('server-errors', { Namespace: 'AWS/ApiGateway', MetricName: '5XXError', Statistic: 'Sum', Threshold: 5 })
})

test('an alarm begins when the 99th percentile of latency exceeds three seconds', () => {
  alarm('slow', { Namespace: 'AWS/ApiGateway', MetricName: 'Latency', ExtendedStatistic: 'p99', Threshold: 3000 })
})

test('an alarm begins when DynamoDB throttles any operation that a function uses', () => {
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
    Metrics: Match.arrayWith(
      ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'].map(throttled),
    ),
  })
})

test('an alarm begins when the firewall has blocked requests for 15 minutes, by the names of its metrics', () => {
  const { VisibilityConfig } = theOnly(resources, 'AWS::WAFv2::WebACL').Properties
  const { MetricName } = VisibilityConfig as { readonly MetricName: string }
  alarm('requests-blocked', {
    ...{ Namespace: 'AWS/WAFV2', MetricName: 'BlockedRequests', Statistic: 'Sum', Period: 300, Threshold: 1 },
    EvaluationPeriods: 3,
    Dimensions: [
      { Name: 'Region', Value: 'eu-central-1' },
      { Name: 'Rule', Value: 'ALL' },
      { Name: 'WebACL', Value: MetricName },
    ],
  })
})

test('the alarms on sums of sparse metrics count a missing metric as 0, so that they begin and end', () => {
  const sums = ofType(resources, 'AWS::CloudWatch::Alarm').filter(
    ([, { Properties }]) => Properties.Metrics !== undefined,
  )
  assert.equal(sums.length, 1 + watched.length)
  for (const [, { Properties }] of sums) {
    const metrics = Properties.Metrics as readonly { readonly Id: string; readonly Expression?: string }[]
    const terms = metrics.find(({ Expression }) => Expression !== undefined)?.Expression?.split(' + ')
    const ids = metrics.filter(({ Expression }) => Expression === undefined).map(({ Id }) => `FILL(${Id}, 0)`)
    assert.deepEqual(terms?.sort(), ids.sort(), String(Properties.AlarmName))
    // Data that arrives late would not count in a single period, which is filled already.
    assert.deepEqual([Properties.DatapointsToAlarm, Properties.EvaluationPeriods], [1, 3])
  }
})

test('each function has an alarm on its errors and throttles', () => {
  const metric = (name: string) =>
    Match.objectLike({ MetricStat: Match.objectLike({ Metric: Match.objectLike({ MetricName: name }) }) })
  for (const name of watched) {
    alarm(`${name}-fails`, {
      Threshold: 1,
      Metrics: Match.arrayWith([
        Match.objectLike({ Expression: 'FILL(errors, 0) + FILL(throttles, 0)' }),
        metric('Errors'),
        metric('Throttles'),
      ]),
    })
  }
})

test('alarms on the broker’s own metrics count over all applications', () => {
  const counted = (name: string, MetricName: string, Threshold: number) =>
    alarm(name, {
      ...{ Namespace: 'TokenBroker/test', MetricName, Statistic: 'Sum', Period: 300, Threshold },
      Dimensions: Match.absent(),
    })
  counted('reuse-seen', 'ReuseDetected', 1)
  counted('reauthentications-needed', 'ReauthenticationsNeeded', 20)
  counted('provider-failures', 'ProviderFailures', 5)
  counted('revocations-abandoned', 'RevocationsAbandoned', 1)
})

test('each metric with an alarm is emitted without dimensions, because alarms cannot search', () => {
  const ours = ofType(resources, 'AWS::CloudWatch::Alarm').filter(
    ([, { Properties }]) => Properties.Namespace === 'TokenBroker/test',
  )
  assert.equal(ours.length, 5)
  for (const [, { Properties }] of ours) {
    const { dimensions }: Metric = metrics[Properties.MetricName as MetricName]
    assert.ok(dimensions.some((set) => set.length === 0))
  }
})

test('the key alarm begins a week after a rotation is due, after a year without a schedule, or without data', () => {
  const aged = (Threshold: number) => ({
    ...{ MetricName: 'age_days', Statistic: 'Maximum', Period: 10_800, Threshold, TreatMissingData: 'breaching' },
  })
  alarm('key-age', aged(97))
  others.hasResourceProperties('AWS::CloudWatch::Alarm', aged(37))
  least.hasResourceProperties('AWS::CloudWatch::Alarm', aged(365))
})

test('the threshold for sign-ins needed again is a setting', () => {
  others.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'ReauthenticationsNeeded', Threshold: 500 })
})

test('there are no other alarms, and by default none notifies anybody', () => {
  const alarms = ofType(resources, 'AWS::CloudWatch::Alarm')
  assert.equal(alarms.length, 9 + watched.length)
  for (const [, { Properties }] of alarms) assert.equal(Properties.AlarmActions, undefined)
  template.resourceCountIs('AWS::SNS::Topic', 0)
})

test('docs/operations.md has an entry for each alarm, and each alarm links to its entry', () => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const [, section = ''] = /\n## Alarms\n([\s\S]*?)\n## /.exec(page) ?? []
  const entries = [...section.matchAll(/^### (\S+)$/gm)].map(([, name = '']) => name)
  const named = new Set<string>()
  for (const [, { Properties }] of ofType(resources, 'AWS::CloudWatch::Alarm')) {
    const name = String(Properties.AlarmName).replace('token-broker-test-', '')
    const entry = watched.some((one) => name === `${one}-fails`) ? 'function-fails' : name
    assert.ok(String(Properties.AlarmDescription).endsWith(` See docs/operations.md#${entry}`), name)
    named.add(entry)
  }
  assert.deepEqual(entries.sort(), [...named].sort())
})

/** The names of the alarms that have these actions. */
function alarmsWith(all: Resources, action: unknown): string[] {
  const told = ofType(all, 'AWS::CloudWatch::Alarm').filter(([, { Properties }]) => {
    assert.deepEqual(Properties.AlarmActions, Properties.OKActions)
    return (Properties.AlarmActions as unknown[] | undefined)?.some((one) => isDeepStrictEqual(one, action))
  })
  return told.map(([, { Properties }]) => String(Properties.AlarmName).replace('token-broker-test-', '')).sort()
}

const told = synthesized('with topics and actions for alarms')
const paging = ['provider-failures', 'reauthentications-needed', 'reuse-seen', 'server-errors']

test('each severity notifies its own topics when an alarm begins and when it ends', () => {
  assert.deepEqual(alarmsWith(told.resources, arns.pages), paging)
  const rest = ofType(told.resources, 'AWS::CloudWatch::Alarm').length - paging.length
  assert.equal(alarmsWith(told.resources, arns.tickets).length, rest)
})

test('docs/operations.md lists the alarms that page', () => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const [, row = ''] = /^\| `page` \|.*\| (.*) \|$/m.exec(page) ?? []
  assert.deepEqual([...row.matchAll(/\[([\w-]+)\]/g)].map(([, name]) => name).sort(), paging)
})

test('any alarm action can be given', () => {
  assert.deepEqual(alarmsWith(told.resources, arns.action), paging)
})

test('a topic of the same app lets the alarms of the account publish', () => {
  const { id } = theOnly(told.resources, 'AWS::SNS::Topic')
  assert.deepEqual(alarmsWith(told.resources, { Ref: id }), paging)
  told.template.hasResourceProperties('AWS::SNS::TopicPolicy', {
    Topics: [{ Ref: id }],
    PolicyDocument: Match.objectLike({
      Statement: Match.arrayWith([
        Match.objectLike({
          Effect: 'Allow',
          Action: 'sns:Publish',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Condition: Match.objectLike({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } }),
        }),
      ]),
    }),
  })
})

test('mail addresses are subscribed to a topic that requires TLS', () => {
  const { template: mailing } = synthesized('with mail for alarms')
  mailing.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' })
  mailing.hasResourceProperties('AWS::SNS::TopicPolicy', {
    PolicyDocument: Match.objectLike({
      Statement: Match.arrayWith([
        Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      ]),
    }),
  })
})

type Widget = {
  readonly type: string
  readonly width: number
  readonly x: number
  readonly y: number
  readonly properties: {
    readonly title?: string
    readonly alarms?: readonly string[]
    readonly metrics?: readonly (readonly unknown[])[]
  }
}

const dashboard = theOnly(resources, 'AWS::CloudWatch::Dashboard')
const { widgets } = JSON.parse(text(dashboard.Properties.DashboardBody)) as { widgets: readonly Widget[] }
const drawn = JSON.stringify(widgets)

test('the dashboard shows every alarm', () => {
  const { alarms = [] } = widgets.find(({ type }) => type === 'alarm')?.properties ?? {}
  assert.equal(alarms.length, ofType(resources, 'AWS::CloudWatch::Alarm').length)
})

test('the dashboard shows every metric of shared/metrics.ts, from the namespace of the functions', () => {
  for (const name of Object.keys(metrics)) {
    const plain = `"TokenBroker/test","${name}"`
    const searched = `MetricName=\\"${name}\\"`
    assert.ok(drawn.includes(plain) || drawn.includes(searched), name)
  }
})

test('the dashboard searches only by dimensions that the metric has', () => {
  const searches = [...drawn.matchAll(/\{\\+"TokenBroker\/test\\+",\\+"(\w+)\\+"\} MetricName=\\+"(\w+)/g)]
  assert.ok(searches.length >= 4)
  for (const [, dimension, name] of searches) {
    const { dimensions } = metrics[name as keyof typeof metrics] as { dimensions: readonly (readonly string[])[] }
    assert.ok(
      dimensions.some((set) => set.length === 1 && set[0] === dimension),
      `${name} by ${dimension}`,
    )
  }
})

test('the dashboard shows the API’s requests and latency, every function, and the table', () => {
  for (const metric of ['Count', '4XXError', '5XXError', 'Latency'])
    assert.ok(drawn.includes(`"AWS/ApiGateway","${metric}"`))
  assert.ok(drawn.includes('"AWS/WAFV2","BlockedRequests"'))
  for (const metric of ['Invocations', 'Errors', 'Throttles', 'ConcurrentExecutions']) {
    const functions = widgets
      .flatMap(({ properties }) => properties.metrics ?? [])
      .filter(([, name]) => name === metric)
    assert.equal(functions.length, functionNames.length + 3, metric)
  }
  for (const metric of ['ConsumedWriteCapacityUnits', 'ConsumedReadCapacityUnits', 'ThrottledRequests']) {
    assert.ok(drawn.includes(`"AWS/DynamoDB","${metric}"`), metric)
  }
})

test('each row of the dashboard fills the page', () => {
  const rows = Map.groupBy(widgets, ({ y }) => y)
  for (const row of rows.values())
    assert.equal(
      row.reduce((width, widget) => width + widget.width, 0),
      24,
    )
})

test('the setting dashboard: false leaves the dashboard out', () => {
  least.resourceCountIs('AWS::CloudWatch::Dashboard', 0)
})
