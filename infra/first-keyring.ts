/**
 * Runs `create-keyring` at each deployment, which makes the first keyring inside the account.
 */

import { type CfnResource, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Trigger } from 'aws-cdk-lib/triggers'
import { Construct } from 'constructs'
import { BrokerFunction } from './function.ts'
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
    secrets.grantCreateKeyring(this.fn)
    // The deployment waits for it and fails with it: without a keyring the broker cannot answer anything.
    new Trigger(this, 'Trigger', { handler: this.fn.lambda, executeAfter: [secrets] })
    this.keepTriggerLog(settings)
  }

  /** Otherwise the CDK's trigger function creates a log group that never expires and outlives the stack. */
  private keepTriggerLog({ brokerName, logRetention }: Settings): void {
    const log = new LogGroup(this, 'TriggerLog', {
      logGroupName: `/token-broker/${brokerName}/deployments`,
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const provider = Stack.of(this).node.findChild('AWSCDK.TriggerCustomResourceProviderCustomResourceProvider')
    const caller = provider.node.findChild('Handler') as CfnResource
    caller.addPropertyOverride('LoggingConfig', { LogGroup: log.logGroupName })
  }
}
