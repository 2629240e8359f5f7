/**
 * What wakes somebody up: a few alarms, each of which means that callers are not served.
 *
 * Owns what is watched and from when on it is too much. Must not know who is woken: that is a setting.
 */

import { Duration } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Operation, type TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import type { BrokerFunction } from './function.ts'
import type { AlarmAudience } from './settings.ts'

export type AlarmsProps = {
  readonly stage: string
  readonly api: RestApi
  readonly table: TableV2
  readonly functions: Readonly<Record<string, BrokerFunction>>
  /** @default - alarms are there to be seen, and tell nobody */
  readonly audience?: AlarmAudience | undefined
}

const period = Duration.minutes(5)

export class Alarms extends Construct {
  private readonly stage: string
  private readonly topic: ITopic | undefined

  constructor(scope: Construct, id: string, { stage, api, table, functions, audience }: AlarmsProps) {
    super(scope, id)
    this.stage = stage
    this.topic = audience && this.topicOf(audience)
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
    this.alarm('table-throttled', {
      alarmDescription: 'DynamoDB turns requests away: more traffic than the table has grown to, or one hot item.',
      metric: table.metricThrottledRequestsForOperations({
        operations: [Operation.GET_ITEM, Operation.PUT_ITEM, Operation.UPDATE_ITEM],
        period,
      }),
      threshold: 1,
      evaluationPeriods: 1,
    })
    for (const [name, fn] of Object.entries(functions)) this.watchFunction(name, fn)
  }

  /** A function catches what it can foresee, so one error is a crash, a timeout or a lack of memory. */
  private watchFunction(name: string, { lambda }: BrokerFunction): void {
    this.alarm(`${name}-fails`, {
      alarmDescription: `${name} crashes, takes too long, or more of it would have to run at once than may.`,
      metric: new MathExpression({
        expression: 'errors + throttles',
        usingMetrics: { errors: lambda.metricErrors({ period }), throttles: lambda.metricThrottles({ period }) },
        label: `${name}: errors and throttles`,
        period,
      }),
      threshold: 1,
      evaluationPeriods: 1,
    })
  }

  private alarm(name: string, props: Omit<AlarmProps, 'alarmName' | 'comparisonOperator' | 'treatMissingData'>): void {
    const alarm = new Alarm(this, name, {
      ...props,
      alarmName: `token-broker-${this.stage}-${name}`,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // No traffic, no measurement, no trouble.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    if (this.topic === undefined) return
    const tell = new SnsAction(this.topic)
    alarm.addAlarmAction(tell)
    alarm.addOkAction(tell)
  }

  private topicOf(audience: AlarmAudience): ITopic {
    if ('topicArn' in audience) return Topic.fromTopicArn(this, 'Topic', audience.topicArn)
    const topic = new Topic(this, 'Topic', { displayName: `Token Broker ${this.stage}`, enforceSSL: true })
    topic.addSubscription(new EmailSubscription(audience.email))
    return topic
  }
}
