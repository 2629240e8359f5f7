/**
 * Synthesizes brokers without real bundles, and reads resources of the template.
 */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, type AppProps, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Certificate, type ICertificate } from 'aws-cdk-lib/aws-certificatemanager'
import type { Construct } from 'constructs'
import { bundlesContext, deployedFunctions } from '../../../infra/deployed-functions.ts'
import { TokenBroker, type TokenBrokerProps } from '../../../infra/index.ts'

export type Resource = {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DeletionPolicy?: string
  readonly DependsOn?: readonly string[]
}
export type Resources = Readonly<Record<string, Resource>>

export type Synthesized = { readonly stack: Stack; readonly template: Template; readonly resources: Resources }

/** Props, or what makes them from the constructs of a stack. */
export type PropsIn = TokenBrokerProps | ((stack: Stack) => TokenBrokerProps)

/** A stack with one broker named `test`. */
export function synthesize(props: PropsIn = {}): Synthesized {
  return synthesizeIn((app) => {
    const stack = new Stack(app, 'token-broker-test', { env: { region: 'eu-central-1' } })
    // The id "Default" leaves no trace in logical ids.
    new TokenBroker(stack, 'Default', {
      brokerName: 'test',
      ...(typeof props === 'function' ? props(stack) : props),
    })
    return stack
  })
}

/** Without what leaves no trace in the template. CloudFormation's validation takes ten seconds; `npm run synth` does it. */
const quick = {
  analyticsReporting: false,
  builtinCloudFormationValidation: false,
  stackTraces: false,
  treeMetadata: false,
} as const satisfies AppProps

export function synthesizeIn(build: (app: App) => Stack): Synthesized {
  // Every app writes to the same folder, so that the CDK fingerprints and copies the bundles once.
  const outdir = join(folder(), 'cdk.out')
  const stack = build(new App({ ...quick, outdir, context: { [bundlesContext]: emptyBundles() } }))
  const template = Template.fromStack(stack)
  return { stack, template, resources: template.toJSON().Resources as Resources }
}

/** A folder of bundles that do nothing. */
export function emptyBundles(): string {
  return join(folder(), 'bundles')
}

let made: string | undefined

/** The folder of this process. */
function folder(): string {
  if (made !== undefined) return made
  made = mkdtempSync(join(tmpdir(), 'token-broker-infra-'))
  for (const name of deployedFunctions) {
    mkdirSync(join(made, 'bundles', name), { recursive: true })
    writeFileSync(join(made, 'bundles', name, 'index.mjs'), 'export const handler = () => {}')
  }
  process.once('exit', () => rmSync(made!, { recursive: true }))
  return made
}

export type Client = { readonly clientId: string } & Readonly<Record<string, unknown>>

/** A registry file with one application. */
export function registryWith(...clients: Client[]): object {
  const provider = { kind: 'oidc', issuer: 'https://idp.example.com', clientId: 'broker' }
  const audiences = ['https://api.example.com']
  return { applications: [{ name: 'demo', displayName: 'Demo', provider, audiences, clients }] }
}

export function certificateIn(scope: Construct, region = 'eu-central-1'): ICertificate {
  return Certificate.fromCertificateArn(scope, 'Certificate', `arn:aws:acm:${region}:123456789012:certificate/abc`)
}

export function ofType(resources: Resources, type: string): readonly (readonly [id: string, resource: Resource])[] {
  return Object.entries(resources).filter(([, resource]) => resource.Type === type)
}

/** The one resource of its type. */
export function theOnly(resources: Resources, type: string): Resource & { readonly id: string } {
  const [only, ...more] = ofType(resources, type)
  assert.ok(only !== undefined && more.length === 0, `there should be one ${type}`)
  return { id: only[0], ...only[1] }
}

/** The logical id that a property refers to, by Ref or by Fn::GetAtt. */
export function referred(value: unknown): string | undefined {
  const { Ref, 'Fn::GetAtt': attribute } = (value ?? {}) as { Ref?: string; 'Fn::GetAtt'?: [string, string] }
  return Ref ?? attribute?.[0]
}

/** A value as text, each reference as `<logical id>`, and one to another stack as `<name of its export>`. */
export function text(value: unknown): string {
  type Call = { readonly 'Fn::Join'?: [string, unknown[]]; readonly 'Fn::ImportValue'?: string }
  const { 'Fn::Join': join, 'Fn::ImportValue': imported } = (value ?? {}) as Call
  if (typeof value === 'string') return value
  if (join !== undefined) return join[1].map(text).join(join[0])
  return `<${referred(value) ?? imported ?? JSON.stringify(value)}>`
}

/** Functions by name without the prefix; the CDK's own by logical id. */
export function functions(resources: Resources): ReadonlyMap<string, Resource & { readonly id: string }> {
  const named = ofType(resources, 'AWS::Lambda::Function').map(
    ([id, resource]): [string, Resource & { id: string }] => [
      String(resource.Properties.FunctionName ?? id).replace('token-broker-test-', ''),
      { ...resource, id },
    ],
  )
  return new Map(named)
}

export type Statement = {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** The statements of a role's policies. */
export function statementsOf(resources: Resources, roleId: string): readonly Statement[] {
  return ofType(resources, 'AWS::IAM::Policy')
    .map(([, { Properties }]) => Properties as { Roles: unknown[]; PolicyDocument: { Statement: Statement[] } })
    .filter(({ Roles }) => Roles.some((role) => referred(role) === roleId))
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
}

export type Method = {
  readonly route: string
  readonly id: string
  readonly properties: Readonly<Record<string, unknown>>
}

/** Every method of the API as `GET /{application}/…`. */
export function methods(resources: Resources): readonly Method[] {
  return ofType(resources, 'AWS::ApiGateway::Method').map(([id, { Properties }]) => ({
    route: `${Properties.HttpMethod} ${pathOf(resources, referred(Properties.ResourceId) ?? '')}`,
    id,
    properties: Properties,
  }))
}

function pathOf(resources: Resources, resourceId: string): string {
  const resource = resources[resourceId]
  if (resource?.Type !== 'AWS::ApiGateway::Resource') return ''
  return `${pathOf(resources, referred(resource.Properties.ParentId) ?? '')}/${resource.Properties.PathPart}`
}
