/**
 * The metrics that alarms and dashboard have in common: the broker's own, as CloudWatch knows them, and the table's.
 *
 * Owns the namespace. Which metrics of ours there are and what each counts is shared/metrics.ts's.
 */

import type { Duration } from 'aws-cdk-lib'
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { type ITableV2, Operation } from 'aws-cdk-lib/aws-dynamodb'
import { type MetricName, metrics } from '../shared/metrics.ts'

/** One for each stage, so that no metric needs a dimension for it. */
export function metricsNamespaceOf(stage: string): string {
  return `TokenBroker/${stage}`
}

/** Over every application. */
export function total(stage: string, name: MetricName, period: Duration): Metric {
  const statistic = metrics[name].unit === 'Count' ? 'Sum' : 'Maximum'
  return new Metric({ namespace: metricsNamespaceOf(stage), metricName: name, statistic, period })
}

/** A line for each value that there is: which there will be nobody knows here. For graphs alone; no alarm can have it. */
export function each(
  stage: string,
  name: MetricName,
  dimension: 'application' | 'reason' | 'route',
  statistic: string,
  period: Duration,
): MathExpression {
  const found = `{"${metricsNamespaceOf(stage)}","${dimension}"} MetricName="${name}"`
  return new MathExpression({
    expression: `SEARCH('${found}', '${statistic}', ${period.toSeconds()})`,
    usingMetrics: {},
    label: '',
    period,
  })
}

/** Every operation that a function may use. */
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
    label: 'requests turned away',
  })
}
