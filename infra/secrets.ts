/**
 * The secrets: the keyring, which the stack makes, and one for each application's provider, which ops make by hand.
 *
 * Owns their names (`token-broker/<stage>/…`, the names after that are shared/secrets.ts's), their key and who may read
 * them. Must not know what they hold: no value of a secret is ever in a template.
 */

import { Lazy, Stack, Validations } from 'aws-cdk-lib'
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { type CfnSecret, type ISecret, ResourcePolicy, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import type { BrokerFunction } from './function.ts'
import { EncryptionKey } from './key.ts'
import { retainOnceCreated } from './retention.ts'
import type { StageSettings } from './settings.ts'

export class BrokerSecrets extends Construct {
  readonly keyring: ISecret
  readonly keyringName: string
  /** For the secrets that ops make: in it the functions that need them can read them. */
  readonly key: EncryptionKey
  private readonly prefix: string
  private readonly keyringPolicy: ResourcePolicy
  /** ARNs of the roles that may read the keyring. */
  private readonly keyringReaders: string[] = []

  constructor(scope: Construct, id: string, { stage, keepData, keyRotationDays, breakGlassRoleArn }: StageSettings) {
    super(scope, id)
    this.prefix = `token-broker/${stage}/`
    this.keyringName = `${this.prefix}keyring`
    this.key = new EncryptionKey(this, 'Key', { alias: `${this.prefix}secrets`, usedBy: 'secretsmanager', keepData })
    const keyring = new Secret(this, 'Keyring', {
      secretName: this.keyringName,
      description: 'Signing, MAC and sealing keys of the token broker. Whoever reads it can forge its tokens.',
      encryptionKey: this.key.key,
      removalPolicy: retainOnceCreated(keepData),
    })
    // A secret without any version, so that there is nothing in the template that a later deployment could put in place
    // of the keys. The first version is create-keyring's.
    ;(keyring.node.defaultChild as CfnSecret).generateSecretString = undefined
    if (keyRotationDays === 0) {
      Validations.of(keyring).acknowledge({
        id: 'AwsSolutions-SMG4',
        reason: 'The setting keyRotationDays is 0: ops rotate the keyring themselves, with the same function.',
      })
    }
    this.keyring = keyring
    if (breakGlassRoleArn !== undefined) this.keyringReaders.push(breakGlassRoleArn)
    this.keyringPolicy = this.denyOthers(keyring)
  }

  /**
   * Rights alone would leave the keyring to whoever may read all secrets. Only reading is denied: who administers the account,
   * CloudFormation included, can always change this policy, and is seen to do it.
   */
  private denyOthers(keyring: Secret): ResourcePolicy {
    const policy = new ResourcePolicy(this, 'KeyringPolicy', { secret: keyring })
    policy.document.addStatements(
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['secretsmanager:GetSecretValue'],
        resources: ['*'],
        // A role's session has the ARN of the role here. What has none, such as a service of AWS, is denied as well.
        conditions: { ArnNotLike: { 'aws:PrincipalArn': Lazy.list({ produce: () => this.keyringReaders }) } },
      }),
    )
    return policy
  }

  grantReadKeyring(fn: BrokerFunction): void {
    this.grantKeyring(fn, ['GetSecretValue'])
    fn.allow([this.key.use('kms:Decrypt')])
  }

  /** To look whether there is a keyring, and to write it if there is none. */
  grantCreateKeyring(fn: BrokerFunction): void {
    this.grantKeyring(fn, ['GetSecretValue', 'PutSecretValue'])
    fn.allow([this.key.use('kms:Decrypt', 'kms:GenerateDataKey')])
  }

  /** To derive a keyring from the one in place, write it as a version of its own, and put that in place. */
  grantRotateKeyring(fn: BrokerFunction): void {
    this.grantKeyring(fn, ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'])
    fn.allow([this.key.use('kms:Decrypt', 'kms:GenerateDataKey')])
  }

  /** The broker's credentials at the identity providers of all applications. */
  grantReadProviderSecrets(fn: BrokerFunction): void {
    const { partition, region, account } = Stack.of(this)
    const secrets = `arn:${partition}:secretsmanager:${region}:${account}:secret:${this.prefix}provider/*`
    this.grant(fn, ['secretsmanager:GetSecretValue'], secrets)
    fn.allow([this.key.use('kms:Decrypt')])
    Validations.of(fn).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:${region}:<AWS::AccountId>:secret:${this.prefix}provider/*]`,
      reason: 'One secret for each application, made by ops after the stack; the pattern holds no other secret.',
    })
  }

  private grantKeyring(fn: BrokerFunction, actions: readonly string[]): void {
    this.grant(
      fn,
      actions.map((action) => `secretsmanager:${action}`),
      this.keyring.secretArn,
    )
    this.keyringReaders.push(fn.roleArn)
    // A function that runs before the policy knows its role could not read the keyring.
    fn.lambda.node.addDependency(this.keyringPolicy)
  }

  private grant(fn: BrokerFunction, actions: string[], secrets: string): void {
    fn.allow([new PolicyStatement({ actions, resources: [secrets] })], { SECRETS: `secretsmanager:${this.prefix}` })
  }
}
