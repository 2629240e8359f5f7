/**
 * Defaults and validation of the settings.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completeSettings, settingsFor } from '../../infra/settings.ts'

test('dev does not keep its data, prod does', () => {
  assert.equal(settingsFor('dev').keepData, false)
  assert.equal(settingsFor('prod').keepData, true)
})

test('an unknown stage is refused with the names of the known ones', () => {
  assert.throws(() => settingsFor('staging'), { message: /"staging".* dev, prod\./ })
})

test('all mistakes in the settings are reported at once', () => {
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
    () => completeSettings('Not A Stage', wrong),
    ({ message }: Error) => {
      const lines = message.split('\n  ').map((line) => line.split(':')[0])
      assert.deepEqual(lines, [
        'Stage "Not A Stage" in infra/settings.ts',
        'stage name',
        'region',
        'logRetention',
        'ratePerSecond',
        'burst',
        'reauthenticationsIn5Minutes',
        'reservedConcurrency.poll',
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

test('a domain name may equal its hosted zone or be below it', () => {
  const certificateArn = 'arn:aws:acm:eu-central-1:123456789012:certificate/abc'
  for (const name of ['example.com', 'auth.example.com', 'a.b.example.com']) {
    const domain = { name, certificateArn, hostedZone: { id: 'Z', name: 'example.com' } }
    assert.equal(completeSettings('prod', { region: 'eu-central-1', domain }).domain?.name, name)
  }
})
