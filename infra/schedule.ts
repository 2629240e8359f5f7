/**
 * A function that runs on a schedule, with at most one run at a time.
 */

import type { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Construct } from 'constructs'
import type { ScheduledFunction } from './deployed-functions.ts'
import { BrokerFunction, maxEventAge, noRetries } from './function.ts'
import { concurrencyOf, type Settings } from './settings.ts'

export type ScheduledProps = {
  readonly name: ScheduledFunction
  readonly settings: Settings
  readonly every: Duration
  /** @default - `requestTimeoutSeconds` */
  readonly timeout?: Duration
}

export class Scheduled extends Construct {
  readonly fn: BrokerFunction

  constructor(scope: Construct, id: string, { name, settings, every, timeout }: ScheduledProps) {
    super(scope, id)
    this.fn = new BrokerFunction(this, 'Scheduled', { name, settings, timeout })
    // An event may wait in EventBridge and again in Lambda's queue. A failed run is not repeated, because the next run does
    // its work.
    const latestEndSeconds = 2 * maxEventAge.toSeconds() + this.fn.timeout.toSeconds()
    if (latestEndSeconds > every.toSeconds())
      throw new Error(
        `${name}: a run may end ${latestEndSeconds} s after its scheduled time, but the next one begins after ${every.toSeconds()} s. Shorten the timeout.`,
      )
    this.fn.lambda.configureAsyncInvoke(noRetries)
    const target = new LambdaFunction(this.fn.lambda, noRetries)
    // Disabled for a function with a concurrency of 0: each call would count as throttled in its alarm.
    const enabled = concurrencyOf(settings, name) !== 0
    new Rule(this, 'Every', { schedule: Schedule.rate(every), targets: [target], enabled })
  }
}
