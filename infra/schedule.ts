/**
 * What runs by the clock and not for a caller.
 *
 * Owns when. Must not know what the function does.
 */

import type { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Construct } from 'constructs'
import type { Bundle, ScheduledFunction } from './bundle.ts'
import { BrokerFunction } from './function.ts'
import type { StageSettings } from './settings.ts'

export type ScheduledProps = {
  readonly name: ScheduledFunction
  readonly bundle: Bundle
  readonly settings: StageSettings
  readonly every: Duration
  /** @default - what any function has */
  readonly timeout?: Duration
}

export class Scheduled extends Construct {
  readonly fn: BrokerFunction

  constructor(scope: Construct, id: string, { name, bundle, settings, every, timeout }: ScheduledProps) {
    super(scope, id)
    this.fn = new BrokerFunction(this, 'Scheduled', { name, bundle, settings, timeout })
    const target = new LambdaFunction(this.fn.lambda, {
      // The next run does what this one could not, so a missed one is not made up for.
      retryAttempts: 0,
      maxEventAge: every,
    })
    new Rule(this, 'Every', { schedule: Schedule.rate(every), targets: [target] })
  }
}
