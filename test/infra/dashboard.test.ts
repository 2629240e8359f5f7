/**
 * The CloudWatch dashboard of the template.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { functionNames } from '../../infra/bundle.ts'
import { metrics } from '../../shared/metrics.ts'
import { ofType, synthesize, synthesized, text, theOnly } from './support/template.ts'

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

const { resources } = synthesized()
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
  synthesize({ dashboard: false }).template.resourceCountIs('AWS::CloudWatch::Dashboard', 0)
})
