/** The registry and trusted roles as parts of a deployment. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CfnParameter, Stack } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { AwsSolutionsChecks } from 'cdk-nag'
import { Registry, TokenBroker, type TokenBrokerProps } from '../../infra/index.ts'
import { parseRegistry } from '../../shared/registry-file.ts'
import {
  type Client,
  functions,
  ofType,
  type Resources,
  referred,
  registryWith,
  statementsOf,
  synthesizeIn,
  text,
  theOnly,
} from './support/template.ts'

const awsTokenIssuer = 'https://4f5d9c1e-0a1b-4c2d-8e3f-9a8b7c6d5e4f.tokens.sts.global.api.aws'
const inFront = { url: 'https://auth.example.com', addressHeader: 'x-viewer-address' }
const cli: Client = { clientId: 'cli', auth: 'none', grants: ['refresh_token'] }

type Build = (broker: TokenBroker, job: Role) => void

function synthesizeWith(props: TokenBrokerProps, build: Build = () => {}) {
  return synthesizeIn((app) => {
    const stack = new Stack(app, 'Auth')
    const job = new Role(stack, 'Job', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    build(new TokenBroker(stack, 'Broker', { inFront, ...props }), job)
    return stack
  })
}

/** The registry that the function gets, with each reference as `<logical id>`. */
function registryIn(resources: Resources): { applications: { clients: Client[] }[] } {
  return JSON.parse(text(theOnly(resources, 'Custom::TokenBrokerRegistry').Properties.Registry))
}

function mistakesOf(props: TokenBrokerProps, build?: Build): string {
  try {
    synthesizeWith(props, build)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

function warningsIn(stack: Stack): string {
  const all = stack.node.findAll().flatMap(({ node }) => node.metadata)
  return JSON.stringify(all.filter(({ type }) => type === 'aws:cdk:warning').map(({ data }) => data))
}

test('the deployment applies the registry by apply-registry, after the table is there, and fails with it', () => {
  const { resources, template } = synthesizeWith({ registry: Registry.fromObject(registryWith(cli)) })
  const { Properties, DependsOn } = theOnly(resources, 'Custom::TokenBrokerRegistry')
  const fn = Object.entries(resources).find(([, one]) => String(one.Properties.FunctionName).endsWith('apply-registry'))
  assert.equal(referred(Properties.ServiceToken), fn?.[0])
  assert.ok(DependsOn?.includes(theOnly(resources, 'AWS::DynamoDB::GlobalTable').id))
  assert.deepEqual(registryIn(resources), registryWith(cli))
  const [name] = Object.keys(template.toJSON().Outputs).filter((output) => /RegistryChanges/.test(output))
  assert.ok(name !== undefined)
})

test('a registry file is read with variables, which may be known at deployment only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-broker-registry-'))
  try {
    const path = join(folder, 'registry.json')
    writeFileSync(path, JSON.stringify(registryWith(cli)).replace('https://idp.example.com', '$'.concat('{IDP}')))
    const { resources } = synthesizeIn((app) => {
      const stack = new Stack(app, 'Auth')
      const variables = { IDP: new CfnParameter(stack, 'Idp').valueAsString }
      new TokenBroker(stack, 'Broker', { registry: Registry.fromFile(path, { variables }) })
      return stack
    })
    assert.match(JSON.stringify(registryIn(resources)), /"issuer":"<Idp>"/)
    assert.throws(() => Registry.fromFile(path), { message: /registry\.json: no value for \$\{IDP\}/ })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('mistakes in the registry fail the synthesis, all at once', () => {
  const registry = Registry.fromObject(
    registryWith({ ...cli, auth: 'nobody' }, { ...cli, clientId: 'x', graceSeconds: -1 }),
  )
  const message = mistakesOf({ registry })
  assert.match(message, /applications\[0\]\.clients\[0\]\.auth/)
  assert.match(message, /applications\[0\]\.clients\[1\]\.graceSeconds/)
})

test('a secret in the registry fails the synthesis, and is in no message', () => {
  const secret = 'f3b1c7e9a5d24680f3b1c7e9a5d24680'
  const web = { ...cli, auth: 'client_secret_basic', secrets: [secret] }
  const message = mistakesOf({ registry: Registry.fromObject(registryWith(web)) })
  assert.match(message, /applications\[0\]\.clients\[0\]\.secrets: a template must not contain a secret/)
  assert.doesNotMatch(message, new RegExp(secret))
})

test('a client that trusts more than it may look is warned of at synthesis', () => {
  const identities = [
    { issuer: awsTokenIssuer, claims: { 'https://sts.amazonaws.com/': { aws_account: '123456789012' } } },
  ]
  const job = { clientId: 'job', auth: 'workload_identity', grants: ['client_credentials'], identities }
  const { stack } = synthesizeWith({ registry: Registry.fromObject(registryWith(job)) })
  assert.match(warningsIn(stack), /demo\/job: every role and user of the account is accepted/)
})

test('a trusted role becomes a client of the registry, by its ARN and the issuer of its account', () => {
  const { resources, stack } = synthesizeWith(
    { registry: Registry.fromObject(registryWith(cli)), awsTokenIssuer },
    (broker, job) =>
      broker.trustRole(job, { application: 'demo', clientId: 'nightly', registration: { scopes: ['reports:read'] } }),
  )
  const [, nightly] = registryIn(resources).applications[0]!.clients
  const role = Object.keys(resources).find((id) => id.startsWith('Job'))
  assert.deepEqual(nightly, {
    clientId: 'nightly',
    auth: 'workload_identity',
    grants: ['client_credentials'],
    scopes: ['reports:read'],
    identities: [{ issuer: awsTokenIssuer, subject: `<${role}>` }],
  })
  assert.deepEqual(new AwsSolutionsChecks().validateScope(stack).violations, [])
})

test('a trusted role may ask AWS for tokens of one audience only, the application’s issuer', () => {
  const { resources } = synthesizeWith(
    { registry: Registry.fromObject(registryWith(cli)), awsTokenIssuer },
    (broker, job) => broker.trustRole(job, { application: 'demo', clientId: 'nightly' }),
  )
  const role = Object.keys(resources).find((id) => id.startsWith('Job'))!
  assert.deepEqual(statementsOf(resources, role), [
    {
      Effect: 'Allow',
      Action: 'sts:GetWebIdentityToken',
      Resource: '*',
      Condition: {
        'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': 'https://auth.example.com/demo' },
        Null: { 'sts:IdentityTokenAudience': 'false' },
      },
    },
  ])
})

test('a role becomes one more identity of a client that the registry has', () => {
  const nightly = {
    clientId: 'nightly',
    auth: 'workload_identity',
    grants: ['client_credentials'],
    identities: [{ issuer: 'https://gitlab.example.com', subject: 'project_path:group/app:ref_type:branch:ref:main' }],
  }
  const registry = Registry.fromObject(registryWith(nightly))
  const { resources } = synthesizeWith({ registry, awsTokenIssuer }, (broker, job) =>
    broker.trustRole(job, { application: 'demo', clientId: 'nightly' }),
  )
  const [client, ...others] = registryIn(resources).applications[0]!.clients
  assert.equal((client!.identities as unknown[]).length, 2)
  assert.deepEqual(others, [])
})

test('two roles become two identities of one client', () => {
  const { resources } = synthesizeWith(
    { registry: Registry.fromObject(registryWith(cli)), awsTokenIssuer },
    (broker, job) => {
      const second = new Role(Stack.of(job), 'Second', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
      for (const role of [job, second]) broker.trustRole(role, { application: 'demo', clientId: 'nightly' })
    },
  )
  const [, nightly] = registryIn(resources).applications[0]!.clients
  assert.equal((nightly!.identities as unknown[]).length, 2)
})

test('a role is not trusted for an unknown application, a client of another kind, or without an issuer', () => {
  const registry = Registry.fromObject(registryWith(cli))
  const trusting = (application: string, clientId: string) =>
    mistakesOf({ registry, awsTokenIssuer }, (broker, job) => broker.trustRole(job, { application, clientId }))
  assert.match(trusting('nobody', 'nightly'), /the registry has no application nobody/)
  assert.match(trusting('demo', 'cli'), /demo\/cli must have "auth": "workload_identity"/)
  const job: Build = (broker, role) => broker.trustRole(role, { application: 'demo', clientId: 'nightly' })
  assert.match(mistakesOf({ registry }, job), /awsTokenIssuer.*get-outbound-web-identity-federation-info/)
  assert.match(mistakesOf({ registry, awsTokenIssuer: 'https://sts.amazonaws.com' }, job), /awsTokenIssuer/)
})

test('without a registry in the deployment an output holds the registration, and a warning says what to do with it', () => {
  const { template, stack } = synthesizeWith({ awsTokenIssuer }, (broker, job) =>
    broker.trustRole(job, { application: 'demo', clientId: 'nightly' }),
  )
  const outputs = Object.entries(template.toJSON().Outputs) as [string, { Value: unknown }][]
  const [name, { Value }] = outputs.find(([id]) => /Registration/.test(id))!
  const client = JSON.parse(text(Value).replace(/<\w+>/, 'arn:aws:iam::123456789012:role/job')) as Client
  assert.ok(parseRegistry(JSON.stringify(registryWith(client)), { isDeployed: true }).ok)
  assert.match(warningsIn(stack), new RegExp(`demo/nightly.*${name}.*token-broker apply`))
})

test('a role of another stack needs nothing of the broker’s stack', () => {
  const { stack } = synthesizeIn((app) => {
    const jobs = new Stack(app, 'Jobs')
    const stack = new Stack(app, 'Auth')
    const role = new Role(jobs, 'Job', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    const registry = Registry.fromObject(registryWith(cli))
    const broker = new TokenBroker(stack, 'Broker', { registry, awsTokenIssuer })
    broker.trustRole(role, { application: 'demo', clientId: 'nightly' })
    return stack
  })
  assert.deepEqual(
    stack.dependencies.map(({ node }) => node.id),
    ['Jobs'],
  )
})

test('apply-registry may write registrations and their history, and nothing of a session', () => {
  const { resources } = synthesizeWith({ registry: Registry.fromObject(registryWith(cli)) })
  const [, fn] = [...functions(resources)].find(([name]) => name.endsWith('apply-registry'))!
  const [, registry, key, ...others] = statementsOf(resources, referred(fn.Properties.Role)!)
  assert.deepEqual(registry?.Condition, {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['application#*', 'registry', 'registry#history'] },
  })
  assert.match(String([key?.Action].flat()[0]), /^kms:/)
  assert.deepEqual(others, [])
  assert.equal(ofType(resources, 'AWS::Lambda::Function').length, functions(resources).size)
})
