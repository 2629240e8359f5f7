/**
 * CloudWatch metrics that alarms and dashboard share. `shared/metrics.ts` defines the broker's own.
 */

import type { Duration } from 'aws-cdk-lib'
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { type ITableV2, Operation } from 'aws-cdk-lib/aws-dynamodb'
import { type MetricName, metrics } from '../shared/metrics.ts'

/** A namespace per broker, so that no metric needs a dimension for it. */
export function metricsNamespaceOf(brokerName: string): string {
  return `TokenBroker/${brokerName}`
}

/** Sum (of counts) or maximum over all applications. */
export function total(brokerName: string, name: MetricName, period: Duration): Metric {
  const statistic = metrics[name].unit === 'Count' ? 'Sum' : 'Maximum'
  return new Metric({ namespace: metricsNamespaceOf(brokerName), metricName: name, statistic, period })
}

/** One line for each value of a dimension. A search, so for graphs only: alarms cannot use it. */
export function each(
  brokerName: string,
  name: MetricName,
  dimension: 'application' | 'reason' | 'route',
  statistic: string,
  period: Duration,
): MathExpression {
  const found = `{"${metricsNamespaceOf(brokerName)}","${dimension}"} MetricName="${name}"`
  return new MathExpression({
    expression: `SEARCH('${found}', '${statistic}', ${period.toSeconds()})`,
    usingMetrics: {},
    label: '',
    period,
  })
}

/** Over every operation that a function may use. */
export function throttledRequests(table: ITableV2, period: Duration): IMetric {
  return table.metricThrottledRequestsForOperations({
    operations: [
      Operation.GET_ITEM,
      Operation.BATCH_GET_ITEM,
      Operation.QUERY,
      Operation.PUT_ITEM,
      Operation.UPDATE_ITEM,
      Operation.DELETE_ITEM,
    ],
    period,
    label: 'throttled requests',
  })
}
