/**
 * The secret that holds the keyring, and the rights to it and to the providers' secrets, which operators create.
 *
 * All names begin with `token-broker/<broker name>/`; shared/secrets.ts defines the rest. Templates never contain secret
 * values.
 */

import { ArnFormat, Lazy, Stack, Validations } from 'aws-cdk-lib'
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { type CfnSecret, type ISecret, ResourcePolicy, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import type { BrokerFunction } from './function.ts'
import { EncryptionKey } from './key.ts'
import { retainOnceCreated } from './retention.ts'
import { wildcardRule } from './rule-ids.ts'
import type { Settings } from './settings.ts'

export class BrokerSecrets extends Construct {
  readonly keyring: ISecret
  readonly keyringName: string
  /** Operators encrypt the providers' secrets with it; the functions may decrypt with it. */
  readonly key: EncryptionKey
  /** The prefix of all secret names. */
  readonly prefix: string
  private readonly keyringPolicy: ResourcePolicy
  /** Role ARNs. */
  private readonly keyringReaders: string[] = []

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id)
    const { brokerName, keepData, keyRotationDays, breakGlassRoleArn, encryptionKey } = settings
    this.prefix = `token-broker/${brokerName}/`
    this.keyringName = `${this.prefix}keyring`
    this.key = new EncryptionKey(this, 'Key', {
      alias: `${this.prefix}secrets`,
      usedBy: 'secretsmanager',
      keepData,
      existing: encryptionKey,
    })
    const keyring = new Secret(this, 'Keyring', {
      secretName: this.keyringName,
      description: 'Signing, MAC and sealing keys of the token broker. Anyone who can read them can forge its tokens.',
      encryptionKey: this.key.key,
      removalPolicy: retainOnceCreated(keepData),
    })
    // Without a generated value, no later deployment can replace the keys. create-keyring writes the first version.
    ;(keyring.node.defaultChild as CfnSecret).generateSecretString = undefined
    if (keyRotationDays === 0) {
      Validations.of(keyring).acknowledge({
        id: 'AwsSolutions-SMG4',
        reason: 'The setting keyRotationDays is 0: operators rotate the keyring themselves, with the same function.',
      })
    }
    this.keyring = keyring
    if (breakGlassRoleArn !== undefined) this.keyringReaders.push(breakGlassRoleArn)
    this.keyringPolicy = this.denyOthers(keyring)
  }

  /**
   * Without this policy, anyone who may read all secrets of the account could read the keyring. Only reading is denied, so
   * administrators and CloudFormation can still change the policy. CloudTrail records such changes.
   */
  private denyOthers(keyring: Secret): ResourcePolicy {
    const policy = new ResourcePolicy(this, 'KeyringPolicy', { secret: keyring })
    policy.document.addStatements(
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['secretsmanager:GetSecretValue'],
        resources: ['*'],
        // For an assumed role, `aws:PrincipalArn` is the role's ARN. Callers without an ARN, such as AWS services, are
        // denied.
        conditions: { ArnNotLike: { 'aws:PrincipalArn': Lazy.list({ produce: () => this.keyringReaders }) } },
      }),
    )
    return policy
  }

  grantReadKeyring(fn: BrokerFunction): void {
    this.grantKeyring(fn, ['GetSecretValue'])
    fn.allow([this.key.use('kms:Decrypt')])
  }

  /** Read the keyring, and write the first one. */
  grantCreateKeyring(fn: BrokerFunction): void {
    this.grantKeyring(fn, ['GetSecretValue', 'PutSecretValue'])
    fn.allow([this.key.use('kms:Decrypt', 'kms:GenerateDataKey')])
  }

  /** Write a derived keyring as a new version, and make it the current one. */
  grantRotateKeyring(fn: BrokerFunction): void {
    this.grantKeyring(fn, ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'])
    fn.allow([this.key.use('kms:Decrypt', 'kms:GenerateDataKey')])
  }

  /** Read the broker's credentials at the identity providers of all applications. */
  grantReadProviderSecrets(fn: BrokerFunction): void {
    const secrets = this.providerSecrets()
    this.grant(fn, ['secretsmanager:GetSecretValue'], secrets)
    fn.allow([this.key.use('kms:Decrypt')])
    Validations.of(fn).acknowledge({
      id: wildcardRule(this, secrets),
      reason: 'One secret per application, created by operators later. The pattern matches no other secret.',
    })
  }

  /** Lets a principal check whether the providers' secrets exist. */
  seeProviderSecrets(): PolicyStatement {
    return new PolicyStatement({ actions: ['secretsmanager:DescribeSecret'], resources: [this.providerSecrets()] })
  }

  private providerSecrets(): string {
    return Stack.of(this).formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: `${this.prefix}provider/*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    })
  }

  private grantKeyring(fn: BrokerFunction, actions: readonly string[]): void {
    this.grant(
      fn,
      actions.map((action) => `secretsmanager:${action}`),
      this.keyring.secretArn,
    )
    this.keyringReaders.push(fn.roleArn)
    // The function can read the keyring only once the policy names its role.
    fn.lambda.node.addDependency(this.keyringPolicy)
  }

  private grant(fn: BrokerFunction, actions: string[], secrets: string): void {
    fn.allow([new PolicyStatement({ actions, resources: [secrets] })], { SECRETS: `secretsmanager:${this.prefix}` })
  }
}
