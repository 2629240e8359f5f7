/**
 * A Lambda function of the broker, with its own role and log group. The construct that owns a resource grants the rights
 * to it.
 */

import { Duration, Validations } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Alias,
  ApplicationLogLevel,
  Architecture,
  Code,
  type FunctionOptions,
  type IFunction,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { bundleOf, type DeployedFunction } from './deployed-functions.ts'
import { memoryMb, requestTimeoutSeconds } from './limits.ts'
import { metricsNamespaceOf } from './metrics.ts'
import { retainOnceCreated } from './retention.ts'
import { wildcardRule } from './rule-ids.ts'
import { concurrencyOf, provisionedConcurrencyOf, type Settings } from './settings.ts'

export type BrokerFunctionProps = {
  readonly name: DeployedFunction
  readonly settings: Settings
  /** @default - `requestTimeoutSeconds` */
  readonly timeout?: Duration | undefined
}

/** The shortest time for which Lambda, and EventBridge, can keep an event that they cannot deliver. */
export const maxEventAge = Duration.minutes(1)

/** By default, Lambda repeats a failed run twice, and keeps an event for six hours. */
export const noRetries = { retryAttempts: 0, maxEventAge }

export function logGroupOf(brokerName: string, name: DeployedFunction): string {
  return `/token-broker/${brokerName}/${name}`
}

export class BrokerFunction extends Construct {
  readonly lambda: LambdaFunction
  /** What callers invoke: the function, or its alias with provisioned concurrency. */
  readonly target: IFunction
  readonly timeout: Duration
  private readonly role: Role

  constructor(scope: Construct, id: string, { name, settings, timeout }: BrokerFunctionProps) {
    super(scope, id)
    const { brokerName, logRetention, keepData } = settings
    const reservedConcurrency = concurrencyOf(settings, name)
    this.timeout = timeout ?? Duration.seconds(requestTimeoutSeconds)
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: logGroupOf(brokerName, name),
      retention: logRetention,
      removalPolicy: retainOnceCreated(keepData),
    })
    // AWS's basic execution policy would let the function create and write any log of the account.
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logGroup.grantWrite(this.role)
    this.lambda = new LambdaFunction(this, 'Function', {
      functionName: `token-broker-${brokerName}-${name}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(bundleOf(this, name)),
      memorySize: memoryMb,
      timeout: this.timeout,
      role: this.role,
      logGroup,
      // Omits START, END and REPORT of successful invocations, a third of what a refresh would log
      // (docs/decisions/0041-lambda-logs-only-failures.md).
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      environment: { METRICS_NAMESPACE: metricsNamespaceOf(brokerName) },
      ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
      ...networkOf(settings),
    })
    this.target = this.withProvisionedConcurrency(provisionedConcurrencyOf(settings, name))
    if (settings.vpc !== undefined) this.allowNetworkInterfaces()
  }

  private withProvisionedConcurrency(provisionedConcurrentExecutions: number | undefined): IFunction {
    if (provisionedConcurrentExecutions === undefined) return this.lambda
    const version = this.lambda.currentVersion
    return new Alias(this, 'Ready', { aliasName: 'ready', version, provisionedConcurrentExecutions })
  }

  /** Lambda needs these rights to connect a function to a VPC (Lambda Developer Guide). */
  private allowNetworkInterfaces(): void {
    const names = ['Create', 'Describe', 'Delete'].map(
      (verb) => `${verb}NetworkInterface${verb === 'Describe' ? 's' : ''}`,
    )
    const actions = [...names, 'DescribeSubnets', 'AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses']
    this.allow([new PolicyStatement({ actions: actions.map((name) => `ec2:${name}`), resources: ['*'] })])
    Validations.of(this).acknowledge({
      id: wildcardRule(this, '*'),
      reason: 'Lambda creates the network interfaces of a function in a VPC, so their ids are not known at deployment.',
    })
  }

  /** The `aws:PrincipalArn` of this function's calls. */
  get roleArn(): string {
    return this.role.roleArn
  }

  /** Grants rights together with the environment variables that name the resource, so that the two cannot drift apart. */
  allow(statements: readonly PolicyStatement[], environment: Readonly<Record<string, string>> = {}): void {
    for (const statement of statements) this.role.addToPolicy(statement)
    for (const [name, value] of Object.entries(environment)) this.lambda.addEnvironment(name, value)
  }
}

function networkOf({ vpc, vpcSubnets, securityGroups }: Settings): FunctionOptions {
  if (vpc === undefined) return {}
  return { vpc, ...(vpcSubnets && { vpcSubnets }), ...(securityGroups && { securityGroups: [...securityGroups] }) }
}
