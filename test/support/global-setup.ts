/**
 * What all test files of a run share (`node --test --test-global-setup`): one local stack, as `npm start` has it, and one RSA
 * key. A file that is run without it makes its own (test/flows/support/shared-broker.ts, rsa-keys.ts).
 */

import { type BrokerProcess, startBroker } from '../flows/support/broker.ts'
import { sharedBrokerVariable } from '../flows/support/shared-broker.ts'
import { privateKeyText, sharedKeyVariable } from './rsa-keys.ts'

let broker: BrokerProcess

export async function globalSetup(): Promise<void> {
  broker = await startBroker()
  process.env[sharedBrokerVariable] = broker.url
  process.env[sharedKeyVariable] = privateKeyText()
}

export async function globalTeardown(): Promise<void> {
  await broker.stop()
}
