/**
 * Synthesizes the stack without real bundles, and reads resources of the template.
 */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { bundlesContext, deployedFunctions } from '../../../infra/deployed-functions.ts'
import { completeSettings, type Settings, type StageSettings } from '../../../infra/settings.ts'
import { BrokerStack } from '../../../infra/stack.ts'

export type Resource = {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DeletionPolicy?: string
  readonly DependsOn?: readonly string[]
}
export type Resources = Readonly<Record<string, Resource>>

export type Synthesized = { readonly stack: BrokerStack; readonly template: Template; readonly resources: Resources }

const plain: Settings = { region: 'eu-central-1' }

let unchanged: Synthesized | undefined

/** The stack with all defaults, synthesized once per process. Do not modify it. */
export function synthesized(): Synthesized {
  unchanged ??= synthesize()
  return unchanged
}

export function synthesize(settings: Partial<Settings> = {}, stage = 'test'): Synthesized {
  return synthesizeStage(completeSettings(stage, { ...plain, ...settings }))
}

/** Without CloudFormation's validation, which takes seconds; `npm run synth` does it. */
export function synthesizeStage(settings: StageSettings): Synthesized {
  const folder = mkdtempSync(join(tmpdir(), 'token-broker-infra-'))
  try {
    const bundles = join(folder, 'functions')
    for (const name of deployedFunctions) {
      mkdirSync(join(bundles, name), { recursive: true })
      writeFileSync(join(bundles, name, 'index.mjs'), 'export const handler = () => {}')
    }
    const context = { [bundlesContext]: bundles }
    const app = new App({ outdir: join(folder, 'cdk.out'), builtinCloudFormationValidation: false, context })
    const stack = new BrokerStack(app, settings)
    const template = Template.fromStack(stack)
    return { stack, template, resources: template.toJSON().Resources as Resources }
  } finally {
    rmSync(folder, { recursive: true })
  }
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

/** A value as text, each reference as `<logical id>`. */
export function text(value: unknown): string {
  const { 'Fn::Join': join } = (value ?? {}) as { 'Fn::Join'?: [string, unknown[]] }
  if (typeof value === 'string') return value
  if (join !== undefined) return join[1].map(text).join(join[0])
  return `<${referred(value) ?? JSON.stringify(value)}>`
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
