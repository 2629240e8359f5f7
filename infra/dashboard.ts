/**
 * The CloudWatch dashboard of a broker, from what callers see down to what the broker depends on.
 */

import { Duration, Stack } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type GraphWidgetProps,
  type IAlarm,
  type IMetric,
  MathExpression,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import type { Firewall } from './firewall.ts'
import type { BrokerFunction } from './function.ts'
import { each, throttledRequests, total } from './metrics.ts'

export type DashboardProps = {
  readonly brokerName: string
  readonly api: RestApi
  readonly firewall: Firewall
  readonly table: ITableV2
  readonly functions: Readonly<Record<string, BrokerFunction>>
  readonly alarms: readonly IAlarm[]
}

const period = Duration.minutes(5)
/** In grid units of a CloudWatch dashboard. */
const pageWidth = 24

export class Dashboard extends Construct {
  readonly dashboard: CloudWatchDashboard
  private readonly props: DashboardProps

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id)
    this.props = props
    const { brokerName } = props
    this.dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      // Dashboard names are unique per account, across regions.
      dashboardName: `token-broker-${brokerName}-${Stack.of(this).region}`,
      defaultInterval: Duration.hours(12),
      widgets: [
        [this.head(), this.alarms()],
        row(this.requests(), this.latency(), this.latencyByRoute()),
        row(this.refreshes(), this.security(), this.revocations()),
        row(this.reauthentications(), this.providers(), this.faults()),
        row(this.invocations(), this.functionErrors(), this.concurrency()),
        row(this.storeUnits(), this.storeThrottles(), this.keyAge()),
      ],
    })
  }

  private head(): TextWidget {
    const markdown = [
      `# Token Broker (${this.props.brokerName})`,
      'docs/operations.md has a section for each alarm that says what to do.',
      `The log lines behind every count are in \`/token-broker/${this.props.brokerName}/…\`; docs/audit.md explains the events.`,
    ].join('\n\n')
    return new TextWidget({ markdown, width: 8, height: 6 })
  }

  private alarms(): AlarmStatusWidget {
    return new AlarmStatusWidget({ title: 'Alarms', alarms: [...this.props.alarms], width: 16, height: 6 })
  }

  // --- what callers see

  private requests(): Graph {
    const { api, firewall } = this.props
    return {
      title: 'Requests',
      left: [
        api.metricCount({ period, label: 'all' }),
        api.metricClientError({ period, label: '4xx' }),
        api.metricServerError({ period, label: '5xx' }),
        firewall.metricBlockedRequests({ period, label: 'blocked by the firewall' }),
      ],
    }
  }

  private latency(): Graph {
    const { api } = this.props
    return {
      title: 'Latency, ms',
      left: ['p50', 'p99'].map((statistic) => api.metricLatency({ period, statistic, label: statistic })),
    }
  }

  /** Measured from when the gateway receives the request. So it includes cold starts, unlike a function's own duration. */
  private latencyByRoute(): Graph {
    return {
      title: 'Latency by route, p99, ms',
      left: [each(this.props.brokerName, 'duration_ms', 'route', 'p99', period)],
    }
  }

  // --- what happens to sessions

  private refreshes(): Graph {
    const { brokerName } = this.props
    const perSecond = new MathExpression({
      expression: 'refreshes / PERIOD(refreshes)',
      usingMetrics: { refreshes: total(brokerName, 'Refreshes', period) },
      label: 'refreshes a second',
      period,
    })
    return {
      title: 'Refreshes a second; sessions begun',
      left: [perSecond],
      right: [total(brokerName, 'Redemptions', period)],
    }
  }

  private security(): Graph {
    const { brokerName } = this.props
    return {
      title: 'Reuse, retries within the grace period, failed client authentications, throttled requests',
      left: [
        total(brokerName, 'ReuseDetected', period),
        total(brokerName, 'GraceRetries', period),
        total(brokerName, 'ClientAuthenticationFailures', period),
        total(brokerName, 'Throttled', period),
      ],
    }
  }

  private revocations(): Graph {
    const { brokerName } = this.props
    return {
      title: 'Sessions ended, by reason',
      left: [each(brokerName, 'Revocations', 'reason', 'Sum', period), total(brokerName, 'ReuseDetected', period)],
    }
  }

  private reauthentications(): Graph {
    const { brokerName } = this.props
    return {
      title: 'Sign-ins needed again, by application',
      left: [each(brokerName, 'ReauthenticationsNeeded', 'application', 'Sum', period)],
    }
  }

  private providers(): Graph {
    const { brokerName } = this.props
    return {
      title: 'Provider failures, by application',
      left: [each(brokerName, 'ProviderFailures', 'application', 'Sum', period)],
      right: [total(brokerName, 'RevocationsAbandoned', period)],
    }
  }

  // --- what the broker depends on

  private faults(): Graph {
    const { brokerName } = this.props
    return {
      title: 'Faults',
      left: (['StoreUnavailable', 'SecretsUnavailable', 'ServerErrors'] as const).map((name) =>
        total(brokerName, name, period),
      ),
    }
  }

  private invocations(): Graph {
    return {
      title: 'Invocations by function',
      left: this.ofFunctions(({ lambda }, label) => lambda.metricInvocations({ period, label })),
    }
  }

  private functionErrors(): Graph {
    return {
      title: 'Errors (left) and throttles (right) by function',
      left: this.ofFunctions(({ lambda }, label) => lambda.metricErrors({ period, label })),
      right: this.ofFunctions(({ lambda }, label) => lambda.metricThrottles({ period, label })),
    }
  }

  private concurrency(): Graph {
    return {
      title: 'Concurrent executions, by function',
      left: this.ofFunctions(({ lambda }, label) =>
        lambda.metric('ConcurrentExecutions', { period, label, statistic: 'Maximum' }),
      ),
    }
  }

  private storeUnits(): Graph {
    const { table } = this.props
    return {
      title: 'DynamoDB: consumed units',
      left: [
        table.metricConsumedWriteCapacityUnits({ period, label: 'write units' }),
        table.metricConsumedReadCapacityUnits({ period, label: 'read units' }),
      ],
    }
  }

  private storeThrottles(): Graph {
    return { title: 'DynamoDB: throttled requests', left: [throttledRequests(this.props.table, period)] }
  }

  private keyAge(): Graph {
    return {
      title: 'Age of the oldest key in use, days',
      left: [total(this.props.brokerName, 'age_days', Duration.hours(1))],
    }
  }

  private ofFunctions(metricOf: (fn: BrokerFunction, label: string) => IMetric): IMetric[] {
    return Object.entries(this.props.functions).map(([name, fn]) => metricOf(fn, name))
  }
}

type Graph = Pick<GraphWidgetProps, 'left' | 'right'> & { readonly title: string }

function row(...graphs: readonly Graph[]): GraphWidget[] {
  return graphs.map(
    (graph) =>
      new GraphWidget({
        ...graph,
        width: pageWidth / graphs.length,
        height: 6,
        leftYAxis: { min: 0, showUnits: false },
        rightYAxis: { min: 0, showUnits: false },
      }),
  )
}
