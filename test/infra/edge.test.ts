/**
 * TLS, limits, request log, public name and outputs of the template.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Match } from 'aws-cdk-lib/assertions'
import { limits } from '../../bench/simulation/limits.ts'
import { refreshUses, stackHas } from '../../bench/simulation/prices.ts'
import { functionNames } from '../../infra/deployed-functions.ts'
import { routes } from '../../infra/routes.ts'
import { crossOriginHeaders, securityHeaders } from '../../shared/http/headers.ts'
import { inFront, synthesized } from './support/shapes.ts'
import { functions, ofType, referred, text, theOnly } from './support/template.ts'

const { template, resources } = synthesized('with every default')
const others = synthesized('with other values')
const least = synthesized('without everything that can be left out')
const named = synthesized('with a custom domain')
const proxied = synthesized('behind a proxy')

const forwardSecret = {
  SecurityPolicy: 'SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09',
  EndpointAccessMode: 'STRICT',
}

test('the API and its custom domain require TLS 1.2 with forward secrecy', () => {
  template.hasResourceProperties('AWS::ApiGateway::RestApi', forwardSecret)
  named.template.hasResourceProperties('AWS::ApiGateway::RestApi', forwardSecret)
  named.template.hasResourceProperties('AWS::ApiGateway::DomainName', forwardSecret)
})

test('the API is regional, so that WAF can be attached', () => {
  template.hasResourceProperties('AWS::ApiGateway::RestApi', { EndpointConfiguration: { Types: ['REGIONAL'] } })
})

test('the firewall is attached to the stage and limits requests per address', () => {
  others.template.hasResourceProperties('AWS::WAFv2::WebACL', {
    Scope: 'REGIONAL',
    DefaultAction: { Allow: {} },
    Rules: [
      Match.objectLike({
        Action: { Block: { CustomResponse: Match.objectLike({ ResponseCode: 429 }) } },
        Statement: { RateBasedStatement: { AggregateKeyType: 'IP', Limit: 77, EvaluationWindowSec: 300 } },
      }),
    ],
  })
  const { ResourceArn, WebACLArn } = theOnly(resources, 'AWS::WAFv2::WebACLAssociation').Properties
  assert.match(text(ResourceArn), new RegExp(`/stages/<${theOnly(resources, 'AWS::ApiGateway::Stage').id}>$`))
  assert.equal(referred(WebACLArn), theOnly(resources, 'AWS::WAFv2::WebACL').id)
})

type Header = { readonly Name: string; readonly Value: string }

test('a blocked caller gets an OAuth error with Retry-After, readable for scripts of other origins', () => {
  const { Properties } = theOnly(resources, 'AWS::WAFv2::WebACL')
  const bodies = Properties.CustomResponseBodies as Record<string, { Content: string; ContentType: string }>
  for (const { Content, ContentType } of Object.values(bodies)) {
    assert.equal(ContentType, 'APPLICATION_JSON')
    assert.equal(JSON.parse(Content).error, 'temporarily_unavailable')
  }
  const [rule] = Properties.Rules as [{ Action: { Block: { CustomResponse: { ResponseHeaders: Header[] } } } }]
  const headers = rule.Action.Block.CustomResponse.ResponseHeaders.map(({ Name, Value }) => [Name, Value])
  assert.deepEqual(Object.fromEntries(headers), {
    'retry-after': '60',
    'cache-control': 'no-store',
    ...securityHeaders,
    ...crossOriginHeaders,
  })
})

test('the firewall keeps no samples of requests, which would contain secrets', () => {
  assert.doesNotMatch(JSON.stringify(theOnly(resources, 'AWS::WAFv2::WebACL')), /"SampledRequestsEnabled":true/)
})

test('each route has the rate and burst limits of the settings', () => {
  others.template.hasResourceProperties('AWS::ApiGateway::Stage', {
    MethodSettings: [
      Match.objectLike({ HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 7, ThrottlingBurstLimit: 8 }),
    ],
  })
})

/** The values of API Gateway's context variables for a refresh. */
const aRefresh = {
  extendedRequestId: 'JKJaXmPLvHcESHA=',
  'identity.sourceIp': '203.0.113.217',
  httpMethod: 'POST',
  path: '/demo/oauth/token',
  status: '200',
  responseLatency: '17',
  'error.responseType': '-',
}

test('the access log has neither query, headers nor body of a request', () => {
  const { Properties } = theOnly(resources, 'AWS::ApiGateway::Stage')
  const { Format } = Properties.AccessLogSetting as { Format: string }
  const variables = Object.values(JSON.parse(Format) as Record<string, string>)
  assert.deepEqual(
    variables.map((variable) => variable.replace('$context.', '')),
    Object.keys(aRefresh),
  )
})

test('the access log line of a refresh has the size that docs/scale.md calculates with, within 5 %', () => {
  const { Properties } = theOnly(resources, 'AWS::ApiGateway::Stage')
  const { Format } = Properties.AccessLogSetting as { Format: string }
  const line = Object.entries(aRefresh).reduce((text, [name, value]) => text.replace(`$context.${name}`, value), Format)
  const bytes = Buffer.byteLength(`${line}\n`)
  assert.ok(Math.abs(bytes - refreshUses.gatewayLogBytes) < refreshUses.gatewayLogBytes / 20, `${bytes} bytes`)
})

test('the stack has as many keys, dashboards and metrics with an alarm as docs/scale.md charges for', () => {
  const count = (type: string) => ofType(resources, type).length
  assert.equal(count('AWS::KMS::Key'), stackHas.encryptionKeys)
  assert.equal(count('AWS::CloudWatch::Dashboard'), stackHas.dashboards)
  const alarmMetrics = ofType(resources, 'AWS::CloudWatch::Alarm').flatMap(([, { Properties }]) => {
    const metrics = Properties.Metrics as readonly { readonly MetricStat?: object }[] | undefined
    return metrics === undefined ? [{}] : metrics.filter(({ MetricStat }) => MetricStat !== undefined)
  })
  assert.equal(alarmMetrics.length, stackHas.alarmMetrics)
})

test('the stack has the limits that docs/scale.md draws', () => {
  template.hasResourceProperties('AWS::ApiGateway::Stage', {
    MethodSettings: [Match.objectLike({ ThrottlingRateLimit: limits.route })],
  })
  template.hasResourceProperties('AWS::WAFv2::WebACL', {
    Rules: [Match.objectLike({ Statement: { RateBasedStatement: Match.objectLike({ Limit: limits.address * 300 }) } })],
  })
})

test("the gateway's execution log has errors only, never requests", () => {
  template.hasResourceProperties('AWS::ApiGateway::Stage', {
    MethodSettings: [Match.objectLike({ LoggingLevel: 'ERROR', DataTraceEnabled: false })],
  })
})

test('every log group has the retention of the settings', () => {
  const logs = ofType(others.resources, 'AWS::Logs::LogGroup')
  // The gateway has two: the access log and the execution log.
  assert.equal(logs.length, functions(others.resources).size + 2)
  for (const [, { Properties }] of logs) assert.equal(Properties.RetentionInDays, 90)
})

test('gatewayLoggingRole: false leaves API Gateway’s logging role to another stack', () => {
  template.resourceCountIs('AWS::ApiGateway::Account', 1)
  least.template.resourceCountIs('AWS::ApiGateway::Account', 0)
})

test("without a custom domain the issuer is API Gateway's own address", () => {
  template.hasResourceProperties('AWS::ApiGateway::RestApi', { DisableExecuteApiEndpoint: false })
  const { Issuer } = template.toJSON().Outputs
  assert.match(
    text(Issuer.Value),
    /^https:\/\/<\w+>\.execute-api\.eu-central-1\.<AWS::URLSuffix>\/<\w+>\/\{application\}$/,
  )
})

test('with a public name it is there and nowhere else, and every function goes by it', () => {
  named.template.hasResourceProperties('AWS::ApiGateway::RestApi', { DisableExecuteApiEndpoint: true })
  named.template.hasResourceProperties('AWS::ApiGateway::BasePathMapping', { BasePath: Match.absent() })
  named.template.hasResourceProperties('AWS::Route53::RecordSet', { Name: 'auth.example.com.', Type: 'A' })
  const { Outputs } = named.template.toJSON()
  assert.equal(Outputs.Issuer.Value, 'https://auth.example.com/{application}')
  for (const [, { Properties }] of ofType(named.resources, 'AWS::Lambda::Permission')) {
    if (Properties.Principal !== 'apigateway.amazonaws.com') continue
    const { Environment } = named.resources[referred(Properties.FunctionName) ?? '']!.Properties
    assert.equal((Environment as { Variables: { BASE_URL: string } }).Variables.BASE_URL, 'https://auth.example.com')
  }
})

test('behind something else every function goes by its URL and by the address that it says, and the API stays where it is', () => {
  const { template, resources } = proxied
  for (const [name, { Properties }] of functions(resources)) {
    const { Variables = {} } = (Properties.Environment ?? {}) as { Variables?: Record<string, unknown> }
    if (!functionNames.some((one) => one === name)) continue
    assert.deepEqual([Variables.BASE_URL, Variables.ADDRESS_HEADER], [inFront.url, inFront.addressHeader], name)
  }
  const { Outputs } = template.toJSON()
  assert.equal(Outputs.Issuer.Value, 'https://auth.example.com/broker/{application}')
  assert.match(text(Outputs.ApiUrl.Value), /^https:\/\/<\w+>\.execute-api\./)
  template.hasResourceProperties('AWS::ApiGateway::RestApi', { DisableExecuteApiEndpoint: false })
})

test('behind a proxy the firewall counts by the proxy’s address header, and requests without it by their own address', () => {
  const counted = (statement: object) =>
    Match.objectLike({ Statement: { RateBasedStatement: Match.objectLike({ Limit: 3000, ...statement }) } })
  proxied.template.hasResourceProperties('AWS::WAFv2::WebACL', {
    Rules: [
      counted({
        AggregateKeyType: 'FORWARDED_IP',
        ForwardedIPConfig: { HeaderName: inFront.addressHeader, FallbackBehavior: 'MATCH' },
      }),
      counted({
        AggregateKeyType: 'IP',
        ScopeDownStatement: { NotStatement: { Statement: { SizeConstraintStatement: Match.anyValue() } } },
      }),
    ],
  })
})

test('the outputs are issuer, table, prefix of the secrets, keyring, key function, secrets key and operator policy', () => {
  const names = ({ template }: typeof named) => Object.keys(template.toJSON().Outputs).sort()
  const always = [
    'Issuer',
    'KeyringSecretName',
    'OpsPolicyArn',
    'RotateKeysFunctionName',
    'SecretsKeyArn',
    'SecretsPrefix',
  ]
  always.push('TableName')
  assert.deepEqual(names({ template } as typeof named), always)
  assert.deepEqual(names(named), [...always, 'DomainTarget'].sort())
  assert.equal(template.toJSON().Outputs.KeyringSecretName.Value, 'token-broker/test/keyring')
})

test('outputs: false leaves the outputs out', () => {
  assert.equal(least.template.toJSON().Outputs, undefined)
})

const isolated = synthesized('in a VPC, with a private API and an existing key')

test('a private API is reached through the given endpoints only', () => {
  const { Properties } = theOnly(isolated.resources, 'AWS::ApiGateway::RestApi')
  assert.deepEqual(Properties.EndpointConfiguration, { Types: ['PRIVATE'], VpcEndpointIds: ['vpce-1'] })
  const { Statement } = Properties.Policy as { Statement: PrivateStatement[] }
  const [allow, deny] = Statement
  assert.equal(Statement.length, 2)
  assert.deepEqual([deny?.Effect, deny?.Resource], ['Deny', 'execute-api:/*/*'])
  assert.deepEqual(deny?.Condition, { StringNotEquals: { 'aws:SourceVpce': ['vpce-1'] } })
  assert.equal(allow?.Effect, 'Allow')
})

type PrivateStatement = {
  readonly Effect: string
  readonly Resource: string | readonly string[]
  readonly Condition?: unknown
}

test('the policy of a private API allows every route of callers and no route for ops, which IAM decides alone', () => {
  const { Policy } = theOnly(isolated.resources, 'AWS::ApiGateway::RestApi').Properties
  const [allow] = (Policy as { Statement: PrivateStatement[] }).Statement
  const matches = (pattern: string, call: string) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(call)
  const patterns = [allow!.Resource].flat().map((one) => one.replace('execute-api:/*/', ''))
  const sid = 'hyW6qxvrHqKDPyzL4DWXSg'
  for (const { path, methods, authorization, setting } of routes) {
    const called = path.replace('{application}', 'demo').replace('{sid}', sid).replace('{file}', 'x')
    for (const method of methods) {
      const isAllowed = patterns.some((pattern) => matches(pattern, `${method}${called}`))
      assert.equal(isAllowed, authorization === 'function' && setting === undefined, `${method} ${path}`)
    }
  }
})

test('functions in a VPC share one security group and use the private subnets', () => {
  const group = theOnly(isolated.resources, 'AWS::EC2::SecurityGroup').id
  for (const [name, { Properties }] of functions(isolated.resources)) {
    const { SubnetIds, SecurityGroupIds } = Properties.VpcConfig as { SubnetIds: unknown; SecurityGroupIds: unknown[] }
    assert.deepEqual([SubnetIds, SecurityGroupIds.map(referred)], [['subnet-1', 'subnet-2'], [group]], name)
  }
})
