/**
 * The alarms of a broker. docs/operations.md has a section for each alarm that says what to do.
 */

import { ArnFormat, Duration, Stack } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import type { MetricName } from '../shared/metrics.ts'
import type { Firewall } from './firewall.ts'
import type { BrokerFunction } from './function.ts'
import { sum, throttledRequests, total } from './metrics.ts'
import type { AlarmAudience } from './props.ts'
import type { Settings } from './settings.ts'

export type AlarmsProps = {
  readonly settings: Settings
  readonly api: RestApi
  readonly firewall: Firewall
  readonly table: ITableV2
  readonly functions: Readonly<Record<string, BrokerFunction>>
}

const period = Duration.minutes(5)
/** For sums of sparse metrics: `FILL` has filled the newest period with 0 when late data arrives. */
const onceIn15Minutes = { evaluationPeriods: 3, datapointsToAlarm: 1 }
/** Secrets Manager rotates within a day of the due date, and retries a failed rotation for days. */
const lateRotationDays = 7
/** Reminds operators who rotate by hand (`keyRotationDays` 0). */
const oldestKeyDays = 365

/** `page`: somebody has to act now. `ticket`: somebody has to act within days. */
export type Severity = 'page' | 'ticket'

export class Alarms extends Construct {
  /** The most important first. */
  readonly bySeverity: Readonly<Record<Severity, Alarm[]>> = { page: [], ticket: [] }
  private readonly brokerName: string
  private readonly actions: Readonly<Record<Severity, readonly IAlarmAction[]>>

  constructor(scope: Construct, id: string, { settings, api, firewall, table, functions }: AlarmsProps) {
    super(scope, id)
    this.brokerName = settings.brokerName
    const { page, ticket } = settings.alarms ?? {}
    this.actions = { page: this.actionsFor('page', page), ticket: this.actionsFor('ticket', ticket) }
    this.watchAnswers(api)
    this.watchSessions(settings)
    this.alarm('ticket', 'table-throttled', {
      alarmDescription: 'DynamoDB throttles requests: more traffic than the table has scaled to, or one hot item.',
      metric: throttledRequests(table, period),
      threshold: 1,
      ...onceIn15Minutes,
    })
    this.alarm('ticket', 'requests-blocked', {
      alarmDescription: 'The firewall has answered 429 for 15 minutes: an address makes more requests than it may.',
      metric: firewall.metricBlockedRequests({ period }),
      threshold: 1,
      evaluationPeriods: 3,
    })
    this.watchKeys(settings)
    for (const [name, fn] of Object.entries(functions)) this.watchFunction(name, fn)
  }

  private watchAnswers(api: RestApi): void {
    this.alarm('page', 'server-errors', {
      alarmDescription:
        'Callers get 5xx: DynamoDB or a provider is out of reach (503), or the broker has a fault (500).',
      metric: api.metricServerError({ period }),
      threshold: 5,
      evaluationPeriods: 1,
    })
    this.alarm('ticket', 'slow', {
      alarmDescription: 'One request in a hundred takes more than three seconds.',
      metric: api.metricLatency({ period, statistic: 'p99' }),
      threshold: 3000,
      evaluationPeriods: 3,
    })
  }

  private watchSessions({ reauthenticationsIn5Minutes }: Settings): void {
    this.alarm('page', 'reuse-seen', {
      alarmDescription: 'A used code or refresh token was presented again, and its session was ended: possibly theft.',
      metric: this.count('ReuseDetected'),
      threshold: 1,
      evaluationPeriods: 1,
    })
    this.alarm('page', 'reauthentications-needed', {
      alarmDescription: 'Many sessions are over: their callers get invalid_grant until a person signs in again.',
      metric: this.count('ReauthenticationsNeeded'),
      threshold: reauthenticationsIn5Minutes,
      evaluationPeriods: 1,
    })
    this.alarm('page', 'provider-failures', {
      alarmDescription: 'An identity provider is out of reach, or its answers are wrong.',
      metric: this.count('ProviderFailures'),
      threshold: 5,
      evaluationPeriods: 1,
    })
    this.alarm('ticket', 'revocations-abandoned', {
      alarmDescription:
        'The broker could not revoke the tokens of an ended session at its provider, and has given up. They are still valid there.',
      metric: this.count('RevocationsAbandoned'),
      threshold: 1,
      evaluationPeriods: 1,
    })
  }

  private watchKeys({ keyRotationDays }: Settings): void {
    this.alarm('ticket', 'key-age', {
      alarmDescription: 'The keys are overdue for rotation, or check-keys has not reported their age for three hours.',
      // check-keys runs every hour, so each period of three hours has a measurement.
      metric: total(this.brokerName, 'age_days', Duration.hours(3)),
      threshold: keyRotationDays === 0 ? oldestKeyDays : keyRotationDays + lateRotationDays,
      evaluationPeriods: 1,
      // check-keys reports even without traffic, so missing data means that it does not work.
      treatMissingData: TreatMissingData.BREACHING,
    })
  }

  private count(name: MetricName): IMetric {
    return total(this.brokerName, name, period)
  }

  /** Functions catch expected errors, so one error is a crash, a timeout or a lack of memory. */
  private watchFunction(name: string, { lambda }: BrokerFunction): void {
    this.alarm(
      'ticket',
      `${name}-fails`,
      {
        alarmDescription: `${name} crashes, times out, or is throttled.`,
        metric: sum(
          { errors: lambda.metricErrors({ period }), throttles: lambda.metricThrottles({ period }) },
          `${name}: errors and throttles`,
          period,
        ),
        threshold: 1,
        ...onceIn15Minutes,
      },
      'function-fails',
    )
  }

  /** @param entry the anchor of the alarm's section in docs/operations.md */
  private alarm(
    severity: Severity,
    name: string,
    props: Omit<AlarmProps, 'alarmName' | 'comparisonOperator'>,
    entry: string = name,
  ): void {
    const alarm = new Alarm(this, name, {
      // Without traffic there is no data.
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...props,
      alarmName: `token-broker-${this.brokerName}-${name}`,
      alarmDescription: `${props.alarmDescription} See docs/operations.md#${entry}`,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    })
    this.bySeverity[severity].push(alarm)
    alarm.addAlarmAction(...this.actions[severity])
    alarm.addOkAction(...this.actions[severity])
  }

  private actionsFor(severity: Severity, audience: AlarmAudience = {}): IAlarmAction[] {
    const { emails = [], topics = [], actions = [] } = audience
    for (const topic of topics) this.letAlarmsPublish(topic, '*')
    const own = emails.length === 0 ? [] : [this.createTopic(severity, emails)]
    return [...[...own, ...topics].map((topic) => new SnsAction(topic)), ...actions]
  }

  private createTopic(severity: Severity, emails: readonly string[]): ITopic {
    const topic = new Topic(this, severity === 'page' ? 'PageTopic' : 'TicketTopic', {
      displayName: `Token Broker ${this.brokerName} (${severity})`,
      enforceSSL: true,
    })
    for (const email of emails) topic.addSubscription(new EmailSubscription(email))
    this.letAlarmsPublish(topic, `token-broker-${this.brokerName}-*`)
    return topic
  }

  /**
   * Our topic policy replaces the default one, which would let CloudWatch publish. The condition limits publishing to
   * alarms of this account, because the service principal acts for every account.
   */
  private letAlarmsPublish(topic: ITopic, resourceName: string): void {
    const { account } = Stack.of(this)
    const alarms = Stack.of(this).formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName,
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
