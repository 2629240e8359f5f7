/**
 * How the Lambda functions of the template run.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxRequestMs } from '../../shared/domain/expire-device-code.ts'
import { synthesized } from './support/shapes.ts'
import { functions, ofType, referred, theOnly } from './support/template.ts'

const { resources } = synthesized('with other values')
const stopped = synthesized('in maintenance').resources
const ours = [...functions(resources)].filter(([, { Properties }]) => Properties.FunctionName !== undefined)

test('all functions run Node 24 on arm64, and time out before API Gateway does', () => {
  for (const [name, { Properties }] of ours) {
    assert.equal(Properties.Runtime, 'nodejs24.x')
    assert.deepEqual(Properties.Architectures, ['arm64'])
    // A scheduled function has no caller; schedule.ts checks that it ends before its next run.
    assert.ok(Number(Properties.Timeout) <= (name === 'retry-revocations' ? 180 : 28))
    assert.equal(Properties.Handler, 'index.handler')
  }
})

test('the functions that poll time out before an expiring device code stops waiting for them', () => {
  const clocksApartSeconds = 5
  for (const name of ['poll', 'token']) {
    const [, fn] = ours.find(([known]) => known === name) ?? []
    assert.ok((Number(fn?.Properties.Timeout) + clocksApartSeconds) * 1000 <= maxRequestMs, name)
  }
})

test('each function writes to a log group of its own', () => {
  for (const [name, { Properties }] of ours) {
    const { LogGroup } = Properties.LoggingConfig as { LogGroup: unknown }
    const logGroup = resources[referred(LogGroup) ?? '']
    assert.equal(logGroup?.Properties.LogGroupName, `/token-broker/test/${name}`)
  }
})

test('Lambda logs lines of its own only for failed runs, and passes every line of ours on', () => {
  for (const [name, { Properties }] of ours) {
    const { LogFormat, SystemLogLevel, ApplicationLogLevel } = Properties.LoggingConfig as Record<string, string>
    assert.deepEqual([LogFormat, SystemLogLevel, ApplicationLogLevel], ['JSON', 'WARN', 'INFO'], name)
  }
})

test('Lambda never repeats the function of a custom resource, and its run ends before CloudFormation rolls back', () => {
  const { resources: deployed } = synthesized('with a registry')
  const custom = Object.entries(deployed).filter(([, { Type }]) => Type.startsWith('Custom::TokenBroker'))
  assert.equal(custom.length, 2)
  for (const [id, { Properties, DependsOn }] of custom) {
    const fn = referred(Properties.ServiceToken) ?? ''
    const [configId, config] =
      ofType(deployed, 'AWS::Lambda::EventInvokeConfig').find(
        ([, { Properties }]) => referred(Properties.FunctionName) === fn,
      ) ?? []
    assert.equal(config?.Properties.MaximumRetryAttempts, 0, id)
    assert.ok(DependsOn?.includes(configId ?? ''), id)
    const latestEndSeconds =
      Number(config?.Properties.MaximumEventAgeInSeconds) + Number(deployed[fn]?.Properties.Timeout)
    assert.ok(latestEndSeconds < Number(Properties.ServiceTimeout), `${id}: ${latestEndSeconds} s`)
  }
})

test('in maintenance only sessions, check-keys and the key functions may run, whatever is reserved', () => {
  for (const [name, { Properties }] of functions(stopped)) {
    const isTriggered = ['create-keyring', 'rotate-keys', 'check-keys'].includes(name)
    if (Properties.FunctionName === undefined || isTriggered) continue
    assert.equal(Properties.ReservedConcurrentExecutions, name === 'sessions' ? 5 : 0, name)
  }
  const states = ofType(stopped, 'AWS::Events::Rule').map(([id, { Properties }]) => [id.slice(0, 9), Properties.State])
  assert.deepEqual(states.sort(), [
    ['CheckKeys', 'ENABLED'],
    ['RetryRevo', 'DISABLED'],
  ])
})

test('a function has the reserved concurrency of the settings, or none', () => {
  for (const [name, { Properties }] of ours) {
    assert.equal(Properties.ReservedConcurrentExecutions, name === 'poll' ? 20 : undefined)
  }
})

test('a function with provisioned concurrency is called by an alias that keeps environments ready', () => {
  const alias = theOnly(resources, 'AWS::Lambda::Alias')
  const fn = functions(resources).get('refresh')?.id
  assert.equal(referred(alias.Properties.FunctionName), fn)
  assert.deepEqual(alias.Properties.ProvisionedConcurrencyConfig, { ProvisionedConcurrentExecutions: 2 })
  const called = JSON.stringify(ofType(resources, 'AWS::ApiGateway::Method'))
  assert.ok(called.includes(`"Ref":"${alias.id}"`) && !called.includes(`"${fn}"`))
})
