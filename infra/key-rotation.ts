/**
 * The function that rotates the keyring, and the schedule on which Secrets Manager calls it.
 */

import { Stack } from 'aws-cdk-lib'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnRotationSchedule } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import { BrokerFunction } from './function.ts'
import type { BrokerSecrets } from './secrets.ts'
import type { Settings } from './settings.ts'

export type KeyRotationProps = {
  /** Creates the first keyring. */
  readonly after: Construct
  readonly secrets: BrokerSecrets
  readonly settings: Settings
}

export class KeyRotation extends Construct {
  readonly fn: BrokerFunction

  constructor(scope: Construct, id: string, { after, secrets, settings }: KeyRotationProps) {
    super(scope, id)
    this.fn = new BrokerFunction(this, 'RotateKeys', { name: 'rotate-keys', settings })
    secrets.grantRotateKeyring(this.fn)
    if (settings.keyRotationDays === 0) return
    this.fn.lambda.addPermission('SecretsManager', {
      principal: new ServicePrincipal('secretsmanager.amazonaws.com'),
      sourceAccount: Stack.of(this).account,
    })
    // The CDK's construct would also grant GetRandomPassword.
    const schedule = new CfnRotationSchedule(this, 'Schedule', {
      secretId: secrets.keyring.secretArn,
      rotationLambdaArn: this.fn.lambda.functionArn,
      rotationRules: { automaticallyAfterDays: settings.keyRotationDays },
      // A deployment is no reason to rotate.
      rotateImmediatelyOnUpdate: false,
    })
    // Secrets Manager tests the function immediately, so the permission, the rights and the keyring must already exist.
    schedule.node.addDependency(this.fn, after)
  }
}
