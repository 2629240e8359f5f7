/**
 * How functions run.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxRequestMs } from '../../shared/domain/expire-device-code.ts'
import { functions, ofType, referred, synthesize } from './support/template.ts'

const { resources } = synthesize({ reservedConcurrency: { poll: 20 } })
const ours = [...functions(resources)].filter(([, { Properties }]) => Properties.FunctionName !== undefined)

test('all are Node 24 on arm64, and give up before API Gateway does', () => {
  for (const [name, { Properties }] of ours) {
    assert.equal(Properties.Runtime, 'nodejs24.x')
    assert.deepEqual(Properties.Architectures, ['arm64'])
    // What runs by the clock keeps nobody waiting, and ends before it begins again.
    assert.ok(Number(Properties.Timeout) <= (name === 'retry-revocations' ? 180 : 28))
    assert.equal(Properties.Handler, 'index.handler')
  }
})

test('none that may be asked for tokens is on its way for as long as a lapsing device code waits for it', () => {
  const clocksApartSeconds = 5
  for (const name of ['poll', 'token']) {
    const [, fn] = ours.find(([known]) => known === name) ?? []
    assert.ok((Number(fn?.Properties.Timeout) + clocksApartSeconds) * 1000 <= maxRequestMs, name)
  }
})

test('each writes to a log of its own', () => {
  for (const [name, { Properties }] of ours) {
    const { LogGroup } = Properties.LoggingConfig as { LogGroup: unknown }
    const logGroup = resources[referred(LogGroup) ?? '']
    assert.equal(logGroup?.Properties.LogGroupName, `/token-broker/test/${name}`)
  }
})

test('Lambda adds a line of its own to a log only when a run fails, and passes every line of ours on', () => {
  for (const [name, { Properties }] of ours) {
    const { LogFormat, SystemLogLevel, ApplicationLogLevel } = Properties.LoggingConfig as Record<string, string>
    assert.deepEqual([LogFormat, SystemLogLevel, ApplicationLogLevel], ['JSON', 'WARN', 'INFO'], name)
  }
})

test('in maintenance nothing but the routes of ops and the look at keys may run, whatever else is reserved', () => {
  const stopped = synthesize({ maintenance: true, reservedConcurrency: { poll: 20, sessions: 5 } }).resources
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

test('a function has as much of the account to itself as the settings say, and otherwise shares it', () => {
  for (const [name, { Properties }] of ours) {
    assert.equal(Properties.ReservedConcurrentExecutions, name === 'poll' ? 20 : undefined)
  }
})
