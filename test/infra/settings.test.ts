/**
 * Defaults and validation of the props, and the stages of our own app.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App, CfnParameter, Stack } from 'aws-cdk-lib'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { HostedZone } from 'aws-cdk-lib/aws-route53'
import type { TokenBrokerProps } from '../../infra/index.ts'
import { settingsOf } from '../../infra/settings.ts'
import { stageStack, stages } from '../../infra/stages.ts'
import { synthesizedStage } from './support/shapes.ts'
import { certificateIn } from './support/template.ts'

const newStack = (region = 'eu-central-1') => new Stack(new App(), 'Auth', { env: { region } })
const zoneIn = (stack: Stack, zoneName: string) =>
  HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z', zoneName })

function mistakesIn(stack: Stack, props: object): string[] {
  try {
    settingsOf(stack, props as TokenBrokerProps)
    return []
  } catch (error) {
    return (error as Error).message.split('\n  ')
  }
}

test('the stage dev does not keep its data, and prod keeps it and is protected from deletion', () => {
  assert.equal(stages.dev?.keepData, false)
  assert.equal(stages.prod?.keepData, undefined)
  assert.equal(settingsOf(newStack(), {}).keepData, true)
  assert.equal(synthesizedStage('dev').stack.terminationProtection, false)
  assert.equal(synthesizedStage('prod').stack.terminationProtection, true)
})

test('an unknown stage is refused with the names of the known ones', () => {
  assert.throws(() => stageStack(new App(), 'staging'), { message: /"staging".* dev, prod\./ })
})

test('all mistakes in the props are reported at once', () => {
  const stack = newStack()
  const lines = mistakesIn(stack, {
    brokerName: 'Not A Name',
    retention: 12,
    logRetention: 12,
    throttling: { ratePerSecond: 0, burst: 1.5 },
    requestsPerAddressIn5Minutes: 9,
    reservedConcurrency: { poll: -1, pol: 1, refresh: 1 },
    provisionedConcurrency: { refresh: 2, 'check-keys': 1 },
    vpcEndpoints: [],
    vpcSubnets: {},
    securityGroups: [],
    alarms: { page: { emails: ['nobody'], topic: 'x' }, pages: {} },
    reauthenticationsIn5Minutes: 0,
    keyRotationDays: 6,
    breakGlassRoleArn: 'break-glass',
    awsTokenIssuer: 'https://sts.amazonaws.com',
    restoredTable: 'a table',
    inFront: { url: 'http://auth.example.com/', addressHeader: 'x viewer' },
    domain: {
      domainName: 'https://Auth.example.com',
      certificate: certificateIn(stack, 'us-east-1'),
      hostedZone: zoneIn(stack, 'example.org'),
    },
  })
  assert.deepEqual(
    lines.map((line) => line.split(':')[0]),
    [
      'Auth',
      'retention',
      'brokerName',
      'logRetention',
      'throttling.ratePerSecond',
      'throttling.burst',
      'reauthenticationsIn5Minutes',
      'requestsPerAddressIn5Minutes',
      'keyRotationDays',
      'reservedConcurrency.poll',
      'reservedConcurrency.pol',
      'provisionedConcurrency.refresh',
      'provisionedConcurrency.check-keys',
      'restoredTable',
      'breakGlassRoleArn',
      'vpcSubnets',
      'securityGroups',
      'securityGroups',
      'vpcEndpoints',
      'domain',
      'alarms.page.topic',
      'alarms.page.emails',
      'alarms.pages',
      'awsTokenIssuer',
      'domain.domainName',
      'domain.certificate',
      'domain.hostedZone',
      'inFront.url',
      'inFront.addressHeader',
    ],
  )
})

test('maintenance is refused while a function has provisioned concurrency, with the two deployments that work', () => {
  const props = { maintenance: true, provisionedConcurrency: { refresh: 2 } }
  const [, ...mistakes] = mistakesIn(newStack(), props)
  assert.match(mistakes.join('\n'), /^maintenance: .* Deploy without `provisionedConcurrency` first/)
  assert.deepEqual(mistakesIn(newStack(), { ...props, provisionedConcurrency: {} }), [])
})

test('values that are known at deployment only are accepted', () => {
  const stack = newStack()
  const late = (id: string) => new CfnParameter(stack, id).valueAsString
  const props = {
    domain: {
      domainName: late('Name'),
      certificate: Certificate.fromCertificateArn(stack, 'Certificate', late('CertificateArn')),
      hostedZone: zoneIn(stack, 'example.com'),
    },
    breakGlassRoleArn: late('RoleArn'),
    throttling: { ratePerSecond: new CfnParameter(stack, 'Rate', { type: 'Number' }).valueAsNumber, burst: 10 },
  }
  assert.deepEqual(mistakesIn(stack, props), [])
})

test('a certificate of the stack’s region is accepted in every partition', () => {
  for (const [region, partition] of [
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
  ] as const) {
    const stack = newStack(region)
    const arn = `arn:${partition}:acm:${region}:123456789012:certificate/abc`
    const certificate = Certificate.fromCertificateArn(stack, 'Certificate', arn)
    assert.deepEqual(mistakesIn(stack, { domain: { domainName: 'auth.example.com', certificate } }), [])
  }
})

test('a prop that is explicitly undefined has its default', () => {
  assert.equal(settingsOf(newStack(), { keyRotationDays: undefined } as object).keyRotationDays, 90)
})

test('a domain name may equal its hosted zone or be below it', () => {
  for (const domainName of ['example.com', 'auth.example.com', 'a.b.example.com']) {
    const stack = newStack()
    const domain = { domainName, certificate: certificateIn(stack), hostedZone: zoneIn(stack, 'example.com') }
    assert.deepEqual(mistakesIn(stack, { domain }), [])
  }
})
