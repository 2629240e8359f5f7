/**
 * What runs by the clock and not for a caller.
 *
 * Owns when, and that a run has ended before the next one can begin. Must not know what the function does.
 */

import { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Construct } from 'constructs'
import type { Bundle, ScheduledFunction } from './bundle.ts'
import { BrokerFunction } from './function.ts'
import { concurrencyOf, type StageSettings } from './settings.ts'

export type ScheduledProps = {
  readonly name: ScheduledFunction
  readonly bundle: Bundle
  readonly settings: StageSettings
  readonly every: Duration
  /** @default - what any function has */
  readonly timeout?: Duration
}

/** The least that EventBridge and Lambda take. */
const maxEventAge = Duration.minutes(1)

/** Runs once, soon or not at all: the next run does what this one could not. */
const noRetries = { retryAttempts: 0, maxEventAge }

export class Scheduled extends Construct {
  readonly fn: BrokerFunction

  constructor(scope: Construct, id: string, { name, bundle, settings, every, timeout }: ScheduledProps) {
    super(scope, id)
    const reservedConcurrency = concurrencyOf(settings, name)
    this.fn = new BrokerFunction(this, 'Scheduled', { name, bundle, settings, timeout, reservedConcurrency })
    // An event may wait in EventBridge first and then in Lambda's own queue, and Lambda would try again twice by itself.
    const latestEndSeconds = 2 * maxEventAge.toSeconds() + this.fn.timeout.toSeconds()
    if (latestEndSeconds > every.toSeconds()) throw new Error(`${name} could still run when its next run begins.`)
    this.fn.lambda.configureAsyncInvoke(noRetries)
    const target = new LambdaFunction(this.fn.lambda, noRetries)
    // A stopped function would be called in vain, and its alarm would count that.
    new Rule(this, 'Every', { schedule: Schedule.rate(every), targets: [target], enabled: reservedConcurrency !== 0 })
  }
}
