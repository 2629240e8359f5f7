/** The construct: creates the parts of a broker and connects them. */

import { Annotations, CfnOutput, Duration, Names, Stack, Token, Validations } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import type { Dashboard, IAlarm } from 'aws-cdk-lib/aws-cloudwatch'
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2'
import { Grant, type IGrantable, type IRole, type PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { Alarms, type Severity } from './alarms.ts'
import { Dashboard as BrokerDashboard } from './dashboard.ts'
import { type DeployedFunction, functionNames } from './deployed-functions.ts'
import { DeployedRegistry } from './deployed-registry.ts'
import { Firewall } from './firewall.ts'
import { FirstKeyring } from './first-keyring.ts'
import { BrokerFunction } from './function.ts'
import { Gateway } from './gateway.ts'
import { KeyRotation } from './key-rotation.ts'
import { Ops } from './ops.ts'
import type { TokenBrokerProps } from './props.ts'
import { grantRights } from './rights.ts'
import type { FunctionName } from './routes.ts'
import { wildcardRule } from './rule-ids.ts'
import { Scheduled } from './schedule.ts'
import { BrokerSecrets } from './secrets.ts'
import { isAwsTokenIssuer, publicUrlOf, type Settings, settingsOf } from './settings.ts'
import { BrokerTable } from './table.ts'
import { clientOf, letAskForTokens, type TrustedRole, type TrustRoleProps } from './trusted-roles.ts'

/** The Lambda functions by name. `apply-registry` exists only with the prop `registry`. */
export type BrokerFunctions = Readonly<
  Record<Exclude<DeployedFunction, 'apply-registry'>, IFunction> & { 'apply-registry'?: IFunction }
>

const howToFindIssuer =
  'Run `aws iam enable-outbound-web-identity-federation` once per account, and `aws iam get-outbound-web-identity-federation-info` to print the issuer.'

type Functions = Readonly<Record<FunctionName, BrokerFunction>>

/**
 * An OAuth 2.0 authorization server in front of your identity providers: a REST API, a function per route, a table of
 * sessions, a keyring, a firewall, logs, alarms and a dashboard.
 *
 *     new TokenBroker(this, 'Broker', { domain: { domainName: 'auth.example.com', certificate, hostedZone } })
 *
 * It creates about 240 of the 500 resources that a stack may have.
 */
export class TokenBroker extends Construct {
  /** A part of every resource name that people and programs use. */
  readonly brokerName: string
  /** The table of sessions and registrations. */
  readonly table: ITableV2
  readonly api: RestApi
  /** The Lambda functions by name. */
  readonly functions: BrokerFunctions
  /** All alarms by severity, the most important first (docs/operations.md, Alarms). */
  readonly alarms: Readonly<Record<Severity, readonly IAlarm[]>>
  /** Undefined if the prop `dashboard` is false. */
  readonly dashboard: Dashboard | undefined
  /** The KMS key for the keyring and the identity providers' secrets. */
  readonly secretsKey: IKey
  private readonly baseUrl: string
  private readonly ops: Ops
  private readonly brokerTable: BrokerTable
  private readonly secrets: BrokerSecrets
  private readonly registry: DeployedRegistry | undefined
  private readonly awsTokenIssuer: string | undefined

  constructor(scope: Construct, id: string, props: TokenBrokerProps = {}) {
    super(scope, id)
    const settings = this.withSecurityGroup(settingsOf(this, props))
    const { brokerName } = settings
    const table = new BrokerTable(this, 'Table', settings)
    const secrets = new BrokerSecrets(this, 'Secrets', settings)
    const functions = this.createFunctions(settings)
    const firstKeyring = new FirstKeyring(this, 'FirstKeyring', { secrets, settings })
    const rotation = new KeyRotation(this, 'KeyRotation', { after: firstKeyring, secrets, settings })
    const retries = new Scheduled(this, 'RetryRevocations', {
      name: 'retry-revocations',
      settings,
      every: Duration.minutes(5),
      timeout: Duration.minutes(3),
    })
    const keyCheck = new Scheduled(this, 'CheckKeys', { name: 'check-keys', settings, every: Duration.hours(1) })
    const scheduled = { 'retry-revocations': retries.fn, 'check-keys': keyCheck.fn }
    grantRights({ ...functions, ...scheduled }, table, secrets)
    const gateway = new Gateway(this, 'Gateway', { settings, functions })
    const firewall = new Firewall(this, 'Firewall', { ...settings, stageArn: gateway.stageArn })
    const observed = {
      api: gateway.api,
      firewall,
      table: table.table,
      functions: { ...functions, ...scheduled, 'rotate-keys': rotation.fn },
    }
    const alarms = new Alarms(this, 'Alarms', { settings, ...observed }).bySeverity
    const all = [...alarms.page, ...alarms.ticket]
    this.dashboard = settings.dashboard
      ? new BrokerDashboard(this, 'Dashboard', { brokerName, ...observed, alarms: all }).dashboard
      : undefined
    this.ops = new Ops(this, 'Ops', { brokerName, api: gateway.api, sessions: functions.sessions })
    this.brokerName = brokerName
    this.baseUrl = publicUrlOf(settings) ?? gateway.baseUrl
    this.api = gateway.api
    this.table = table.table
    this.brokerTable = table
    this.secrets = secrets
    this.secretsKey = secrets.key.key
    this.alarms = alarms
    const { registry } = settings
    const readers = Object.values({ ...functions, ...scheduled })
    this.registry = registry && new DeployedRegistry(this, 'Registry', { registry, table, settings, readers })
    this.awsTokenIssuer = settings.awsTokenIssuer
    const deploying = {
      'create-keyring': firstKeyring.fn,
      ...(this.registry && { 'apply-registry': this.registry.fn }),
    }
    this.functions = lambdasOf({ ...observed.functions, ...deploying })
    if (settings.outputs) this.addOutputs(settings, gateway)
  }

  /** The issuer URL of an application, which clients are configured with. */
  issuer(application: string): string {
    return `${this.baseUrl}/${application}`
  }

  /** Lets a principal see and end sessions, and read their history (docs/operations.md, Sessions). */
  grantOps(grantee: IGrantable): Grant {
    return grantAll(grantee, this.ops.statements())
  }

  /** Lets a principal change the registry, as `token-broker apply` and `clients` do. */
  grantApply(grantee: IGrantable): Grant {
    return grantAll(grantee, [...this.brokerTable.applyStatements(), this.secrets.seeProviderSecrets()])
  }

  /**
   * Makes a role of the app a client without a secret. The role may ask AWS for tokens whose audience is the
   * application's issuer, and the client's registration names the role. Without the prop `registry`, a stack output
   * contains the registration; add it to your registry file and run `token-broker apply`.
   */
  trustRole(role: IRole, { application, clientId, registration = {}, awsTokenIssuer }: TrustRoleProps): void {
    const issuer = awsTokenIssuer ?? this.awsTokenIssuer
    if (issuer === undefined)
      throw new Error(
        `${this.node.path}: trustRole needs awsTokenIssuer; pass it here or as a prop. ${howToFindIssuer}`,
      )
    if (!Token.isUnresolved(issuer) && !isAwsTokenIssuer(issuer)) {
      throw new Error(
        `${this.node.path}: awsTokenIssuer: "${issuer}" is not the token issuer of an AWS account. ${howToFindIssuer}`,
      )
    }
    const id = `Trust-${application}-${clientId}-${Names.nodeUniqueId(role.node)}`
    const policy = letAskForTokens(this, id, role, this.issuer(application))
    Validations.of(policy).acknowledge({
      id: wildcardRule(this, '*'),
      reason: 'sts:GetWebIdentityToken does not support resources; a condition limits the audience instead.',
    })
    const trusted = { application, clientId, registration, identity: { issuer, subject: role.roleArn } }
    if (this.registry === undefined) this.leaveToApply(id, trusted)
    else this.registry.trust(trusted)
  }

  private leaveToApply(id: string, role: TrustedRole): void {
    const value = Stack.of(this).toJsonString(clientOf(role))
    const output = new CfnOutput(this, `${id}-Registration`, {
      value,
      description: `The registration of the client ${role.clientId} of ${role.application}`,
    })
    const place = `${role.application}/${role.clientId}`
    Annotations.of(this).addWarningV2(
      `token-broker:registration-${role.application}-${role.clientId}`,
      `The role of ${place} can get tokens only once its client is registered. Pass the prop \`registry\`. Or after the deployment, add the stack output ${Stack.of(this).getLogicalId(output)} to the clients of ${role.application} in your registry file and run \`token-broker apply\`.`,
    )
  }

  /** Creates one security group for all functions. The CDK would create one for each. */
  private withSecurityGroup(settings: Settings): Settings {
    const { vpc, securityGroups } = settings
    if (vpc === undefined || securityGroups !== undefined) return settings
    const description = `Token Broker (${settings.brokerName}): functions`
    return { ...settings, securityGroups: [new SecurityGroup(this, 'SecurityGroup', { vpc, description })] }
  }

  private createFunctions(settings: Settings): Functions {
    const baseUrl = publicUrlOf(settings)
    const addressHeader = settings.inFront?.addressHeader
    const environment = {
      ...(baseUrl !== undefined && { BASE_URL: baseUrl }),
      ...(addressHeader !== undefined && { ADDRESS_HEADER: addressHeader }),
    }
    const functions = functionNames.map((name): [FunctionName, BrokerFunction] => {
      const fn = new BrokerFunction(this, name, { name, settings })
      fn.allow([], environment)
      return [name, fn]
    })
    return Object.fromEntries(functions) as Functions
  }

  private addOutputs(settings: Settings, gateway: Gateway): void {
    const outputs: Readonly<Record<string, readonly [value: string | undefined, description: string]>> = {
      Issuer: [this.issuer('{application}'), 'The issuer of each application'],
      ApiUrl: [settings.inFront && gateway.baseUrl, 'The API behind the proxy; operators send signed requests to it'],
      TableName: [this.table.tableName, 'The table of sessions and registrations'],
      SecretsPrefix: [this.secrets.prefix, 'The prefix of the secret names, for the command line'],
      KeyringSecretName: [this.secrets.keyringName, 'The secret that holds the signing, MAC and sealing keys'],
      RotateKeysFunctionName: [
        this.functions['rotate-keys'].functionName,
        'The function that lists, rotates and retires keys',
      ],
      SecretsKeyArn: [this.secretsKey.keyArn, 'The KMS key that encrypts the secrets of the identity providers'],
      OpsPolicyArn: [this.ops.policy.managedPolicyArn, 'The policy for operators, who may see and end sessions'],
      RegistryChanges: [this.registry?.changes, 'What the last deployment changed in the registry'],
      DomainTarget: [gateway.domainTarget, 'The target for the DNS record of the public name'],
    }
    for (const [name, [value, description]] of Object.entries(outputs)) {
      if (value !== undefined) new CfnOutput(this, name, { value, description })
    }
  }
}

function lambdasOf(functions: Readonly<Record<string, BrokerFunction>>): BrokerFunctions {
  const lambdas = Object.entries(functions).map(([name, { lambda }]) => [name, lambda])
  return Object.fromEntries(lambdas) as BrokerFunctions
}

function grantAll(grantee: IGrantable, statements: readonly PolicyStatement[]): Grant {
  const grants = statements.map(({ actions, resources, conditions }) =>
    Grant.addToPrincipal({ grantee, actions, resourceArns: resources, conditions }),
  )
  return grants.reduce((all, grant) => all.combine(grant))
}
