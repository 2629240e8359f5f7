/** Applies a changed registry at a deployment: a custom resource and its function. */

import { Annotations, CustomResource, Duration, Lazy, Stack, Tokenization } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { wideTrust } from '../shared/domain/workload-trust.ts'
import { listOf } from '../shared/registry-file/values.ts'
import { parseRegistry } from '../shared/registry-file.ts'
import { BrokerFunction, maxEventAge, noRetries } from './function.ts'
import { deploymentTimeoutSeconds } from './limits.ts'
import type { Registry } from './registry.ts'
import type { Settings } from './settings.ts'
import type { BrokerTable } from './table.ts'
import { type Merged, type RegistryFile, type TrustedRole, withRoles } from './trusted-roles.ts'

export type DeployedRegistryProps = {
  readonly registry: Registry
  readonly table: BrokerTable
  readonly settings: Settings
  /** The functions that read registrations. They have to understand the registry before it is written. */
  readonly readers: readonly BrokerFunction[]
}

/** The largest registry that a template may hold. Leaves room for everything else (CloudFormation's limit is 1 MB). */
const maxBytes = 300_000

export class DeployedRegistry extends Construct {
  readonly fn: BrokerFunction
  /** What the last deployment changed, in words. */
  readonly changes: string
  private readonly registry: Registry
  private readonly roles: TrustedRole[] = []

  constructor(scope: Construct, id: string, { registry, table, settings, readers }: DeployedRegistryProps) {
    super(scope, id)
    this.registry = registry
    this.fn = new BrokerFunction(this, 'ApplyRegistry', {
      name: 'apply-registry',
      settings,
      timeout: Duration.seconds(deploymentTimeoutSeconds - maxEventAge.toSeconds() - 20),
    })
    // No run may begin or go on after CloudFormation has given up: it would overwrite the registry of the rollback.
    this.fn.lambda.configureAsyncInvoke(noRetries)
    table.grantApply(this.fn)
    const resource = new CustomResource(this, 'Registry', {
      serviceToken: this.fn.lambda.functionArn,
      resourceType: 'Custom::TokenBrokerRegistry',
      serviceTimeout: Duration.seconds(deploymentTimeoutSeconds),
      properties: {
        // Not read by the function. CloudFormation runs it only for changed properties, so a restored table has to change one.
        Table: table.table.tableName,
        // Lazy, because `trust` may add roles until synthesis.
        Registry: Lazy.uncachedString({ produce: () => Stack.of(this).toJsonString(this.merged().file) }),
        KeepSessions: String(registry.keepSessions),
      },
    })
    resource.node.addDependency(this.fn, table, ...readers.map(({ target }) => target))
    this.changes = resource.getAttString('Changes')
    this.node.addValidation({ validate: () => this.mistakes() })
    this.warnOfWideTrust()
    if (registry.keepSessions) this.warnOfKeptSessions()
  }

  trust(role: TrustedRole): void {
    this.roles.push(role)
  }

  private merged(): Merged {
    return withRoles(JSON.parse(this.registry.text) as RegistryFile, this.roles)
  }

  /** Reports all mistakes at once, before anything is deployed. */
  private mistakes(): string[] {
    if (!isJson(this.registry.text)) return [`${this.registry.source}: is not JSON`]
    const { file, mistakes } = this.merged()
    const text = JSON.stringify(file)
    const parsed = parseRegistry(withoutTokens(text), { isDeployed: true })
    const wrong = parsed.ok ? [] : parsed.mistakes.map(({ where, why }) => `${where}: ${why}`)
    const secrets = pathsOfSecrets(file).map(
      (where) =>
        `${where}: a template must not contain a secret; write "secrets": "table", or trust a workload identity`,
    )
    const size = Buffer.byteLength(text)
    const large =
      size > maxBytes
        ? [`has ${size} bytes, more than ${maxBytes}; leave out the prop \`registry\` and run \`token-broker apply\``]
        : []
    return [...mistakes, ...wrong, ...secrets, ...large].map((mistake) => `${this.registry.source}: ${mistake}`)
  }

  private warnOfKeptSessions(): void {
    Annotations.of(this).addWarningV2(
      'token-broker:keep-sessions',
      'keepSessions keeps the sessions at each change of a provider, and sends it their refresh tokens. Remove it after the deployment that needs it.',
    )
  }

  private warnOfWideTrust(): void {
    if (!isJson(this.registry.text)) return
    const parsed = parseRegistry(withoutTokens(this.registry.text), { isDeployed: true })
    if (!parsed.ok) return
    for (const { application, clientId, identities = [] } of parsed.registry.clients) {
      for (const warning of identities.flatMap(wideTrust)) {
        const rule = `token-broker:wide-trust-${application}-${clientId}`
        Annotations.of(this).addWarningV2(rule, `${application}/${clientId}: ${warning}.`)
      }
    }
  }
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}

/**
 * Replaces unresolved CDK tokens by a placeholder that is valid everywhere. The function checks their values at
 * deployment.
 */
function withoutTokens(text: string): string {
  const { tokens } = Tokenization.reverseString(text)
  return tokens.reduce((rest, token) => rest.replaceAll(String(token), 'https://late.example.com/late'), text)
}

function pathsOfSecrets({ applications }: RegistryFile): string[] {
  return listOf(applications).flatMap((application, at) =>
    listOf(Object(application).clients).flatMap((one, client) =>
      listOf(Object(one).secrets).length > 0 ? [`applications[${at}].clients[${client}].secrets`] : [],
    ),
  )
}
