/** Runs `create-keyring` at the first deployment. It generates the first keyring inside the account. */

import { CustomResource, Duration } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { BrokerFunction, noRetries } from './function.ts'
import { deploymentTimeoutSeconds } from './limits.ts'
import type { BrokerSecrets } from './secrets.ts'
import type { Settings } from './settings.ts'

export type FirstKeyringProps = {
  readonly secrets: BrokerSecrets
  readonly settings: Settings
}

export class FirstKeyring extends Construct {
  readonly fn: BrokerFunction

  constructor(scope: Construct, id: string, { secrets, settings }: FirstKeyringProps) {
    super(scope, id)
    this.fn = new BrokerFunction(this, 'CreateKeyring', { name: 'create-keyring', settings })
    this.fn.lambda.configureAsyncInvoke(noRetries)
    secrets.grantCreateKeyring(this.fn)
    // The deployment waits for this and fails if it fails, because the broker cannot work without a keyring.
    const keyring = new CustomResource(this, 'Keyring', {
      serviceToken: this.fn.lambda.functionArn,
      resourceType: 'Custom::TokenBrokerKeyring',
      serviceTimeout: Duration.seconds(deploymentTimeoutSeconds),
    })
    keyring.node.addDependency(this.fn, secrets)
  }
}
