/**
 * A KMS key that may be used only through one AWS service.
 */

import { Aws, Stack, Token } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { type IKey, Key } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import { retainOnceCreated } from './retention.ts'

export type KeyAction =
  | 'kms:Decrypt'
  | 'kms:DescribeKey'
  | 'kms:Encrypt'
  | 'kms:GenerateDataKey'
  | 'kms:GenerateDataKeyWithoutPlaintext'
  | 'kms:ReEncryptFrom'
  | 'kms:ReEncryptTo'

export type EncryptionKeyProps = {
  readonly alias: string
  readonly usedBy: 'dynamodb' | 'secretsmanager'
  /** Whether the data outlives the stack. The key must be kept as long as the data. */
  readonly keepData: boolean
  /** @default - the broker creates a key */
  readonly existing?: IKey | undefined
}

export class EncryptionKey extends Construct {
  readonly key: IKey
  private readonly service: string | string[]

  constructor(scope: Construct, id: string, { alias, usedBy, keepData, existing }: EncryptionKeyProps) {
    super(scope, id)
    this.service = serviceOf(usedBy, Stack.of(this).region)
    this.key =
      existing ??
      new Key(this, 'Key', {
        alias,
        description: `Encrypts data of ${alias} in ${usedBy}`,
        enableKeyRotation: true,
        removalPolicy: retainOnceCreated(keepData),
      })
  }

  use(...actions: readonly KeyAction[]): PolicyStatement {
    return new PolicyStatement({
      actions: [...actions],
      resources: [this.key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': this.service } },
    })
  }
}

/** In China, service names have another suffix. AWS does not document which one KMS compares, so allow both. */
function serviceOf(service: string, region: string): string | string[] {
  const name = `${service}.${region}.amazonaws.com`
  const isElsewhere = Token.isUnresolved(region) || region.startsWith('cn-')
  return isElsewhere ? [name, `${service}.${region}.${Aws.URL_SUFFIX}`] : name
}
