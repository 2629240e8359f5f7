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
  /** The key is kept as long as the data that it encrypts. */
  readonly keepData: boolean
  /** @default - a key of the broker's own */
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

/** In China the services' names have another suffix, and AWS does not say which one KMS compares. */
function serviceOf(service: string, region: string): string | string[] {
  const name = `${service}.${region}.amazonaws.com`
  const isElsewhere = Token.isUnresolved(region) || region.startsWith('cn-')
  return isElsewhere ? [name, `${service}.${region}.${Aws.URL_SUFFIX}`] : name
}
