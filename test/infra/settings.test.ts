/**
 * Settings: their defaults, and their mistakes.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, settingsFor } from '../../infra/settings.ts'

test('dev can be thrown away, prod cannot', () => {
  assert.equal(settingsFor('dev').keepData, false)
  assert.equal(settingsFor('prod').keepData, true)
})

test('a stage that nobody has described is named, and so are those that are', () => {
  assert.throws(() => settingsFor('staging'), { message: /no stage "staging".*; there are dev, prod\./ })
})

test('every mistake is told at once', () => {
  const wrong = {
    region: 'frankfurt',
    logRetention: 12,
    throttling: { ratePerSecond: 0, burst: 1.5 },
    requestsPerAddressIn5Minutes: 9,
    reservedConcurrency: { poll: -1 },
    reauthenticationsIn5Minutes: 0,
    keyRotationDays: 6,
    breakGlassRoleArn: 'break-glass',
    restoredTable: 'a table',
    inFront: { url: 'http://auth.example.com/', addressHeader: 'x viewer' },
    domain: {
      name: 'https://Auth.example.com',
      certificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/abc',
      hostedZone: { id: 'Z', name: 'example.org' },
    },
  }
  assert.throws(
    () => decide('Not A Stage', wrong),
    ({ message }: Error) => {
      const lines = message.split('\n  ').map((line) => line.split(':')[0])
      assert.deepEqual(lines, [
        'Stage "Not A Stage" in infra/settings.ts',
        'its name',
        'region',
        'logRetention',
        'ratePerSecond',
        'burst',
        'reauthenticationsIn5Minutes',
        'poll',
        'requestsPerAddressIn5Minutes',
        'keyRotationDays',
        'restoredTable',
        'breakGlassRoleArn',
        'domain.name',
        'domain.certificateArn',
        'domain.hostedZone',
        'inFront.url',
        'inFront.addressHeader',
      ])
      return true
    },
  )
})

test('a name may be its zone, or below it', () => {
  const certificateArn = 'arn:aws:acm:eu-central-1:123456789012:certificate/abc'
  for (const name of ['example.com', 'auth.example.com', 'a.b.example.com']) {
    const domain = { name, certificateArn, hostedZone: { id: 'Z', name: 'example.com' } }
    assert.equal(decide('prod', { region: 'eu-central-1', domain }).domain?.name, name)
  }
})
