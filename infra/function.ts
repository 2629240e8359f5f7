/**
 * A function of the broker: the Lambda, the role that is its alone, and its log.
 *
 * Owns how a function runs: runtime, memory, time. Must not know what any function does; what it may do is granted to it
 * by the constructs that own the things.
 */

import { Duration } from 'aws-cdk-lib'
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Bundle, DeployedFunction } from './bundle.ts'
import { memoryMb, requestTimeoutSeconds } from './limits.ts'
import { metricsNamespaceOf } from './metrics.ts'
import { retainOnceCreated } from './retention.ts'
import type { StageSettings } from './settings.ts'

export type BrokerFunctionProps = {
  readonly name: DeployedFunction
  readonly bundle: Bundle
  readonly settings: StageSettings
  /** @default - as many at once as the account's pool has room for */
  readonly reservedConcurrency?: number | undefined
  /** @default - well above what the store and a provider are waited for */
  readonly timeout?: Duration | undefined
}

/** Where a function's lines are. */
export function logGroupOf(stage: string, name: DeployedFunction): string {
  return `/token-broker/${stage}/${name}`
}

export class BrokerFunction extends Construct {
  readonly lambda: LambdaFunction
  readonly timeout: Duration
  private readonly role: Role

  constructor(
    scope: Construct,
    id: string,
    { name, bundle, settings, reservedConcurrency, timeout }: BrokerFunctionProps,
  ) {
    super(scope, id)
    const { stage, logRetention, keepData } = settings
    this.timeout = timeout ?? Duration.seconds(requestTimeoutSeconds)
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: logGroupOf(stage, name),
      retention: logRetention,
      removalPolicy: retainOnceCreated(keepData),
    })
    // Instead of AWS's basic execution policy, which lets a function write to, and create, any log of the account.
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logGroup.grantWrite(this.role)
    this.lambda = new LambdaFunction(this, 'Function', {
      functionName: `token-broker-${stage}-${name}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(bundle.folder),
      memorySize: memoryMb,
      timeout: this.timeout,
      role: this.role,
      logGroup,
      // Lambda's own lines START, END and REPORT would be a third of what a refresh logs. Of a run that fails they stay
      // (docs/decisions/0041-lambda-logs-only-failures.md).
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      environment: { METRICS_NAMESPACE: metricsNamespaceOf(stage) },
      ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
    })
  }

  /** The `aws:PrincipalArn` of this function's calls. */
  get roleArn(): string {
    return this.role.roleArn
  }

  /** What a thing's owner gives: the right to use it, and the environment variable that says where it is. */
  allow(statements: readonly PolicyStatement[], environment: Readonly<Record<string, string>> = {}): void {
    for (const statement of statements) this.role.addToPolicy(statement)
    for (const [name, value] of Object.entries(environment)) this.lambda.addEnvironment(name, value)
  }
}
