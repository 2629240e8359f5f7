/**
 * The secrets: the keyring, which the stack makes, and one for each application's provider, which ops make by hand.
 *
 * Owns their names (`token-broker/<stage>/…`, the names after that are shared/secrets.ts's), their key and who may read
 * them. Must not know what they hold: no value of a secret is ever in a template.
 */

import { Stack, Validations } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { type CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
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

  constructor(scope: Construct, id: string, { stage, keepData, keyRotationDays }: StageSettings) {
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
  }

  grantReadKeyring(fn: BrokerFunction): void {
    this.grant(fn, ['secretsmanager:GetSecretValue'], this.keyring.secretArn)
    fn.allow([this.key.use('kms:Decrypt')])
  }

  /** To look whether there is a keyring, and to write it if there is none. */
  grantCreateKeyring(fn: BrokerFunction): void {
    this.grant(fn, ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'], this.keyring.secretArn)
    fn.allow([this.key.use('kms:Decrypt', 'kms:GenerateDataKey')])
  }

  /** To derive a keyring from the one in place, write it as a version of its own, and put that in place. */
  grantRotateKeyring(fn: BrokerFunction): void {
    const actions = ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage']
    this.grant(
      fn,
      actions.map((action) => `secretsmanager:${action}`),
      this.keyring.secretArn,
    )
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

  private grant(fn: BrokerFunction, actions: string[], secrets: string): void {
    fn.allow([new PolicyStatement({ actions, resources: [secrets] })], { SECRETS: `secretsmanager:${this.prefix}` })
  }
}
