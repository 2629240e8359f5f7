/** The registry and trusted roles as parts of a deployment. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CfnParameter, Stack } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { AwsSolutionsChecks } from 'cdk-nag'
import { functionNames } from '../../infra/deployed-functions.ts'
import { Registry, TokenBroker, type TokenBrokerProps } from '../../infra/index.ts'
import { parseRegistry } from '../../shared/registry-file.ts'
import { cli, synthesized } from './support/shapes.ts'
import {
  type Client,
  functions,
  ofType,
  type Resources,
  referred,
  registryWith,
  statementsOf,
  synthesize,
  synthesizeIn,
  text,
  theOnly,
} from './support/template.ts'

const awsTokenIssuer = 'https://4f5d9c1e-0a1b-4c2d-8e3f-9a8b7c6d5e4f.tokens.sts.global.api.aws'
const inFront = { url: 'https://auth.example.com', addressHeader: 'x-viewer-address' }

const brokerIn = (stack: Stack, props: TokenBrokerProps) => new TokenBroker(stack, 'Broker', { inFront, ...props })
const roleIn = (stack: Stack, id: string) =>
  new Role(stack, id, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })

/** The clients that the function gets, each reference as `<logical id>`. */
function clientsIn(resources: Resources): Client[] {
  const { Registry: json } = theOnly(resources, 'Custom::TokenBrokerRegistry').Properties
  const { applications } = JSON.parse(text(json)) as { applications: [{ clients: Client[] }] }
  return applications[0].clients
}

function warningsIn(stack: Stack): string {
  const all = stack.node.findAll().flatMap(({ node }) => node.metadata)
  return JSON.stringify(all.filter(({ type }) => type === 'aws:cdk:warning').map(({ data }) => data))
}

const deployed = synthesized('with a registry')

test('the deployment applies the registry by apply-registry, after the table is there, and fails with it', () => {
  const { resources, template } = deployed
  const { Properties, DependsOn } = theOnly(resources, 'Custom::TokenBrokerRegistry')
  assert.equal(referred(Properties.ServiceToken), functions(resources).get('apply-registry')?.id)
  assert.ok(DependsOn?.includes(theOnly(resources, 'AWS::DynamoDB::GlobalTable').id))
  assert.deepEqual(JSON.parse(text(Properties.Registry)), registryWith(cli))
  assert.ok('RegistryChanges' in template.toJSON().Outputs)
})

test('a deployment that moves the broker to another table applies the registry there', () => {
  const restored = synthesize({ registry: Registry.fromObject(registryWith(cli)), restoredTable: 'restored' })
  const [before, after] = [deployed, restored].map(
    ({ resources }) => theOnly(resources, 'Custom::TokenBrokerRegistry').Properties,
  )
  assert.equal(after?.Registry, before?.Registry)
  assert.notDeepEqual(after, before)
})

test('a deployment applies the registry once all functions that read it, and their aliases, are up to date', () => {
  const { resources } = deployed
  const { DependsOn = [] } = theOnly(resources, 'Custom::TokenBrokerRegistry')
  const alias = theOnly(resources, 'AWS::Lambda::Alias')
  for (const name of [...functionNames, 'retry-revocations']) {
    const fn = functions(resources).get(name)?.id ?? ''
    assert.ok(DependsOn.includes(fn === referred(alias.Properties.FunctionName) ? alias.id : fn), name)
  }
})

test('a registry file is read with variables, which may be known at deployment only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-broker-registry-'))
  try {
    const path = join(folder, 'registry.json')
    writeFileSync(path, JSON.stringify(registryWith(cli)).replace('https://idp.example.com', '$'.concat('{IDP}')))
    const { resources } = synthesizeIn((app) => {
      const stack = new Stack(app, 'Auth')
      const variables = { IDP: new CfnParameter(stack, 'Idp').valueAsString }
      brokerIn(stack, { registry: Registry.fromFile(path, { variables }) })
      return stack
    })
    assert.match(text(theOnly(resources, 'Custom::TokenBrokerRegistry').Properties.Registry), /"issuer":"<Idp>"/)
    assert.throws(() => Registry.fromFile(path), { message: /registry\.json: no value for \$\{IDP\}/ })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('mistakes in the registry and in trusted roles fail the synthesis, all at once, and a secret is in no message', () => {
  const secret = 'f3b1c7e9a5d24680f3b1c7e9a5d24680'
  const wrong: Client[] = [
    { ...cli, auth: 'nobody' },
    { ...cli, clientId: 'x', graceSeconds: -1 },
    { ...cli, clientId: 'web', auth: 'client_secret_basic', secrets: [secret] },
  ]
  const synthesis = () =>
    synthesizeIn((app) => {
      const stack = new Stack(app, 'Auth')
      const broker = brokerIn(stack, { registry: Registry.fromObject(registryWith(...wrong)), awsTokenIssuer })
      broker.trustRole(roleIn(stack, 'One'), { application: 'nobody', clientId: 'nightly' })
      broker.trustRole(roleIn(stack, 'Other'), { application: 'demo', clientId: 'x' })
      return stack
    })
  assert.throws(synthesis, ({ message }: Error) => {
    assert.match(message, /applications\[0\]\.clients\[0\]\.auth/)
    assert.match(message, /applications\[0\]\.clients\[1\]\.graceSeconds/)
    assert.match(message, /applications\[0\]\.clients\[2\]\.secrets: a template must not contain a secret/)
    assert.match(message, /the registry has no application nobody/)
    assert.match(message, /demo\/x must have "auth": "workload_identity"/)
    assert.doesNotMatch(message, new RegExp(secret))
    return true
  })
})

test('a role is not trusted without the token issuer of an AWS account', () => {
  const broker = deployed.stack.node.findChild('Default') as TokenBroker
  const job = roleIn(new Stack(), 'Job')
  const client = { application: 'demo', clientId: 'nightly' }
  assert.throws(() => broker.trustRole(job, client), /awsTokenIssuer.*get-outbound-web-identity-federation-info/)
  const wrong = { ...client, awsTokenIssuer: 'https://sts.amazonaws.com' }
  assert.throws(() => broker.trustRole(job, wrong), /"https:\/\/sts\.amazonaws\.com" is not the token issuer/)
})

const workload = { auth: 'workload_identity', grants: ['client_credentials'] }
const ofAccount = { issuer: awsTokenIssuer, claims: { 'https://sts.amazonaws.com/': { aws_account: '123456789012' } } }
const ofGitlab = {
  issuer: 'https://gitlab.example.com',
  subject: 'project_path:group/app:ref_type:branch:ref:main',
}

/** A broker that trusts three roles of its own stack and one of another. */
const trusting = synthesizeIn((app) => {
  const registry = registryWith(
    cli,
    { clientId: 'wide', ...workload, identities: [ofAccount] },
    { clientId: 'pipeline', ...workload, identities: [ofGitlab] },
  )
  const [stack, others] = [new Stack(app, 'Auth'), new Stack(app, 'Jobs')]
  const broker = brokerIn(stack, { registry: Registry.fromObject(registry), awsTokenIssuer })
  const nightly = { application: 'demo', clientId: 'nightly', registration: { scopes: ['reports:read'] } }
  broker.trustRole(roleIn(stack, 'Nightly'), nightly)
  broker.trustRole(roleIn(stack, 'Pipeline'), { application: 'demo', clientId: 'pipeline' })
  broker.trustRole(roleIn(stack, 'First'), { application: 'demo', clientId: 'shared' })
  broker.trustRole(roleIn(others, 'Second'), { application: 'demo', clientId: 'shared' })
  return stack
})

const roleOf = (id: string) => Object.keys(trusting.resources).find((one) => new RegExp(`^${id}\\w{8}$`).test(one))!
const clientOf = (id: string) => clientsIn(trusting.resources).filter(({ clientId }) => clientId === id)

test('a client that trusts more than it may look is warned of at synthesis', () => {
  assert.match(warningsIn(trusting.stack), /demo\/wide: every role and user of the account is accepted/)
})

test('a trusted role becomes a client of the registry, by its ARN and the issuer of its account', () => {
  assert.deepEqual(clientOf('nightly'), [
    {
      clientId: 'nightly',
      auth: 'workload_identity',
      grants: ['client_credentials'],
      scopes: ['reports:read'],
      identities: [{ issuer: awsTokenIssuer, subject: `<${roleOf('Nightly')}>` }],
    },
  ])
})

test('trusted roles follow AwsSolutions', () => {
  assert.deepEqual(new AwsSolutionsChecks().validateScope(trusting.stack).violations, [])
})

test('a trusted role may ask AWS for tokens of one audience only, the application’s issuer', () => {
  assert.deepEqual(statementsOf(trusting.resources, roleOf('Nightly')), [
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
  const identities = [ofGitlab, { issuer: awsTokenIssuer, subject: `<${roleOf('Pipeline')}>` }]
  assert.deepEqual(clientOf('pipeline'), [{ clientId: 'pipeline', ...workload, identities }])
})

test('two roles become two identities of one client', () => {
  const [client, ...others] = clientOf('shared')
  assert.equal((client!.identities as unknown[]).length, 2)
  assert.deepEqual(others, [])
})

test('a role of another stack needs nothing of the broker’s stack', () => {
  assert.deepEqual(
    trusting.stack.dependencies.map(({ node }) => node.id),
    ['Jobs'],
  )
})

test('without a registry in the deployment an output holds the registration, and a warning says what to do with it', () => {
  const { template, stack } = synthesizeIn((app) => {
    const stack = new Stack(app, 'Auth')
    const broker = brokerIn(stack, { awsTokenIssuer })
    broker.trustRole(roleIn(stack, 'Job'), { application: 'demo', clientId: 'nightly' })
    return stack
  })
  const outputs = Object.entries(template.toJSON().Outputs) as [string, { Value: unknown }][]
  const [name, { Value }] = outputs.find(([id]) => /Registration/.test(id))!
  const client = JSON.parse(text(Value).replace(/<\w+>/, 'arn:aws:iam::123456789012:role/job')) as Client
  assert.ok(parseRegistry(JSON.stringify(registryWith(client)), { isDeployed: true }).ok)
  assert.match(warningsIn(stack), new RegExp(`demo/nightly.*${name}.*token-broker apply`))
})

test('apply-registry may write registrations and their history, and nothing of a session', () => {
  const { resources } = deployed
  const fn = functions(resources).get('apply-registry')!
  const [, registry, key, ...others] = statementsOf(resources, referred(fn.Properties.Role)!)
  assert.deepEqual(registry?.Condition, {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['application#*', 'registry', 'registry#history'] },
  })
  assert.match(String([key?.Action].flat()[0]), /^kms:/)
  assert.deepEqual(others, [])
  assert.equal(ofType(resources, 'AWS::Lambda::Function').length, functions(resources).size)
})
