/**
 * What wakes somebody up: that callers are not served, that somebody may have stolen a token, or that a day is near on
 * which one of these will happen.
 *
 * Owns what is watched and from when on it is too much. Must not know who is woken: that is a setting. What to do then is
 * in docs/operations.md, under the alarm's name.
 */

import { ArnFormat, Duration, Stack } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import type { MetricName } from '../shared/metrics.ts'
import type { BrokerFunction } from './function.ts'
import { throttledRequests, total } from './metrics.ts'
import type { AlarmAudience, StageSettings } from './settings.ts'

export type AlarmsProps = {
  readonly settings: StageSettings
  readonly api: RestApi
  readonly table: ITableV2
  readonly functions: Readonly<Record<string, BrokerFunction>>
}

const period = Duration.minutes(5)
/** Secrets Manager rotates within a day of the date, and tries again for days. */
const lateRotationDays = 7
/** Where ops rotate themselves, they are reminded after a year. */
const oldestKeyDays = 365

export class Alarms extends Construct {
  /** In the order in which they matter. */
  readonly all: Alarm[] = []
  private readonly stage: string
  private readonly topic: ITopic | undefined

  constructor(scope: Construct, id: string, { settings, api, table, functions }: AlarmsProps) {
    super(scope, id)
    this.stage = settings.stage
    this.topic = settings.alarms && this.topicOf(settings.alarms)
    this.watchAnswers(api)
    this.watchSessions(settings)
    this.alarm('table-throttled', {
      alarmDescription: 'DynamoDB turns requests away: more traffic than the table has grown to, or one hot item.',
      metric: throttledRequests(table, period),
      threshold: 1,
      evaluationPeriods: 1,
    })
    this.watchKeys(settings)
    for (const [name, fn] of Object.entries(functions)) this.watchFunction(name, fn)
  }

  private watchAnswers(api: RestApi): void {
    this.alarm('server-errors', {
      alarmDescription: 'Callers get 5xx: the store or a provider is out of reach (503), or something is broken (500).',
      metric: api.metricServerError({ period }),
      threshold: 5,
      evaluationPeriods: 1,
    })
    this.alarm('slow', {
      alarmDescription: 'One request in a hundred takes more than three seconds.',
      metric: api.metricLatency({ period, statistic: 'p99' }),
      threshold: 3000,
      evaluationPeriods: 3,
    })
  }

  private watchSessions({ reauthenticationsIn5Minutes }: StageSettings): void {
    this.alarm('reuse-seen', {
      alarmDescription: 'A spent code or refresh token was shown again, and its session was ended: perhaps a thief.',
      metric: this.count('ReuseDetected'),
      threshold: 1,
      evaluationPeriods: 1,
    })
    this.alarm('reauthentications-needed', {
      alarmDescription: 'Many callers are told that their session is over, and that a person has to sign in again.',
      metric: this.count('ReauthenticationsNeeded'),
      threshold: reauthenticationsIn5Minutes,
      evaluationPeriods: 1,
    })
    this.alarm('provider-failures', {
      alarmDescription: 'An identity provider is out of reach, or answers what it may not.',
      metric: this.count('ProviderFailures'),
      threshold: 5,
      evaluationPeriods: 1,
    })
    this.alarm('revocations-abandoned', {
      alarmDescription: 'A provider could not be told for a week that a session has ended. Its tokens live on there.',
      metric: this.count('RevocationsAbandoned'),
      threshold: 1,
      evaluationPeriods: 1,
    })
  }

  private watchKeys({ keyRotationDays }: StageSettings): void {
    this.alarm('key-age', {
      alarmDescription: 'The keys are older than they should become, or nobody has reported their age for three hours.',
      // They are looked at every hour, and no period must be without a look.
      metric: total(this.stage, 'age_days', Duration.hours(3)),
      threshold: keyRotationDays === 0 ? oldestKeyDays : keyRotationDays + lateRotationDays,
      evaluationPeriods: 1,
      // check-keys reports without any traffic, so silence means that it does not work.
      treatMissingData: TreatMissingData.BREACHING,
    })
  }

  private count(name: MetricName): IMetric {
    return total(this.stage, name, period)
  }

  /** A function catches what it can foresee, so one error is a crash, a timeout or a lack of memory. */
  private watchFunction(name: string, { lambda }: BrokerFunction): void {
    this.alarm(
      `${name}-fails`,
      {
        alarmDescription: `${name} crashes, takes too long, or more of it would have to run at once than may.`,
        metric: new MathExpression({
          expression: 'errors + throttles',
          usingMetrics: { errors: lambda.metricErrors({ period }), throttles: lambda.metricThrottles({ period }) },
          label: `${name}: errors and throttles`,
          period,
        }),
        threshold: 1,
        evaluationPeriods: 1,
      },
      'function-fails',
    )
  }

  /** @param entry what to do, in docs/operations.md */
  private alarm(name: string, props: Omit<AlarmProps, 'alarmName' | 'comparisonOperator'>, entry: string = name): void {
    const alarm = new Alarm(this, name, {
      // No traffic, no measurement, no trouble.
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...props,
      alarmName: `token-broker-${this.stage}-${name}`,
      alarmDescription: `${props.alarmDescription} See docs/operations.md#${entry}`,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    })
    this.all.push(alarm)
    if (this.topic === undefined) return
    const tell = new SnsAction(this.topic)
    alarm.addAlarmAction(tell)
    alarm.addOkAction(tell)
  }

  private topicOf(audience: AlarmAudience): ITopic {
    if ('topicArn' in audience) return Topic.fromTopicArn(this, 'Topic', audience.topicArn)
    const topic = new Topic(this, 'Topic', { displayName: `Token Broker ${this.stage}`, enforceSSL: true })
    topic.addSubscription(new EmailSubscription(audience.email))
    this.letAlarmsPublish(topic)
    return topic
  }

  /**
   * A topic's own policy takes the place of the default one, which would have let CloudWatch publish. Bound to the alarms of
   * this stage: the service acts for every account.
   */
  private letAlarmsPublish(topic: Topic): void {
    const { account } = Stack.of(this)
    const resourceName = `token-broker-${this.stage}-*`
    const alarms = Stack.of(this).formatArn({
      ...{ service: 'cloudwatch', resource: 'alarm', resourceName },
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    })
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': account }, ArnLike: { 'aws:SourceArn': alarms } },
      }),
    )
  }
}
