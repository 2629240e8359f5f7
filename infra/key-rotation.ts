/**
 * The keyring's rotation: the function that does it, and when Secrets Manager calls it.
 *
 * Owns the schedule, and who may call. Must not know what a rotation is; functions/rotate-keys.ts does.
 */

import { Stack } from 'aws-cdk-lib'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnRotationSchedule } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import type { Bundle } from './bundle.ts'
import { BrokerFunction } from './function.ts'
import type { BrokerSecrets } from './secrets.ts'
import type { StageSettings } from './settings.ts'

export type KeyRotationProps = {
  readonly bundle: Bundle
  /** What has to be done before there is something to rotate. */
  readonly after: Construct
  readonly secrets: BrokerSecrets
  readonly settings: StageSettings
}

export class KeyRotation extends Construct {
  readonly fn: BrokerFunction

  constructor(scope: Construct, id: string, { bundle, after, secrets, settings }: KeyRotationProps) {
    super(scope, id)
    this.fn = new BrokerFunction(this, 'RotateKeys', { name: 'rotate-keys', bundle, settings })
    secrets.grantRotateKeyring(this.fn)
    if (settings.keyRotationDays === 0) return
    this.fn.lambda.addPermission('SecretsManager', {
      principal: new ServicePrincipal('secretsmanager.amazonaws.com'),
      sourceAccount: Stack.of(this).account,
    })
    // The CDK's own construct would let the function ask for random passwords of the whole account.
    const schedule = new CfnRotationSchedule(this, 'Schedule', {
      secretId: secrets.keyring.secretArn,
      rotationLambdaArn: this.fn.lambda.functionArn,
      rotationRules: { automaticallyAfterDays: settings.keyRotationDays },
      // A deployment is no reason to rotate, and the first keyring is minutes old then.
      rotateImmediatelyOnUpdate: false,
    })
    // Secrets Manager tries the function at once, so it must be allowed to call it, and the function to do its work.
    schedule.node.addDependency(this.fn, after)
  }
}
