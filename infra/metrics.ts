/**
 * CloudWatch metrics for the alarms and the dashboard. `shared/metrics.ts` defines the broker's own metrics.
 */

import type { Duration } from 'aws-cdk-lib'
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { type ITableV2, Operation } from 'aws-cdk-lib/aws-dynamodb'
import { type MetricName, metrics } from '../shared/metrics.ts'

/** Each broker has its own namespace, so that no metric needs a dimension for the broker. */
export function metricsNamespaceOf(brokerName: string): string {
  return `TokenBroker/${brokerName}`
}

/** The metric over all applications: the sum of counts, or the maximum of other values. */
export function total(brokerName: string, name: MetricName, period: Duration): Metric {
  const statistic = metrics[name].unit === 'Count' ? 'Sum' : 'Maximum'
  return new Metric({ namespace: metricsNamespaceOf(brokerName), metricName: name, statistic, period })
}

/** One line for each value of the dimension. Only for graphs: it is a search, which alarms cannot use. */
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

/** The operations of requests. Deployments and the command line also write transactions. */
const operations = [
  Operation.GET_ITEM,
  Operation.BATCH_GET_ITEM,
  Operation.QUERY,
  Operation.PUT_ITEM,
  Operation.UPDATE_ITEM,
  Operation.DELETE_ITEM,
]

/** The sum over all operations. */
export function throttledRequests(table: ITableV2, period: Duration): MathExpression {
  const throttled = (operation: Operation) =>
    table.metric('ThrottledRequests', {
      dimensionsMap: { TableName: table.tableName, Operation: operation },
      statistic: 'Sum',
      period,
    })
  const byOperation = operations.map((operation) => [operation.toLowerCase(), throttled(operation)] as const)
  return sum(Object.fromEntries(byOperation), 'throttled requests', period)
}

/**
 * The sum of metrics that may have no data, which counts as 0. Without `FILL`, the sum has a value only when every metric has
 * one, and an alarm on metrics of DynamoDB keeps its state while there is no data (CloudWatch API, PutMetricAlarm).
 */
export function sum(parts: Readonly<Record<string, Metric>>, label: string, period: Duration): MathExpression {
  const expression = Object.keys(parts)
    .map((id) => `FILL(${id}, 0)`)
    .join(' + ')
  return new MathExpression({ expression, usingMetrics: parts, label, period })
}
