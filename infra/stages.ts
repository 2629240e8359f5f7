/** The stages of this repository's CDK app. Edit `stages` to deploy with your own name, region and alarm topics. */

import { type App, Stack } from 'aws-cdk-lib'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { TokenBroker, type TokenBrokerProps } from './index.ts'

export type Stage = TokenBrokerProps & {
  /** AWS region. */
  readonly region: string
}

export const stages: Readonly<Record<string, Stage>> = {
  dev: {
    region: 'eu-central-1',
    keepData: false,
    logRetention: RetentionDays.ONE_MONTH,
    throttling: { ratePerSecond: 50, burst: 100 },
  },
  prod: {
    region: 'eu-central-1',
  },
}

/** @throws for an unknown stage, or for mistakes in its props, which it lists */
export function stageStack(app: App, stage: string): Stack {
  const found = stages[stage]
  if (found === undefined) {
    throw new Error(`There is no stage "${stage}" in infra/stages.ts. Known stages: ${Object.keys(stages).join(', ')}.`)
  }
  const { region, ...props } = found
  const stack = new Stack(app, `token-broker-${stage}`, {
    env: { region },
    description: `Token Broker (${stage}): an OAuth 2.0 authorization server in front of the organisation's identity providers`,
    terminationProtection: props.keepData !== false,
    analyticsReporting: false,
  })
  // The CDK leaves the id "Default" out of logical ids.
  new TokenBroker(stack, 'Default', { brokerName: stage, ...props })
  return stack
}
