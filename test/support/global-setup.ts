/**
 * What all test files of a run share (`node --test --test-global-setup`): one local stack, as `npm start` has it, one RSA
 * key, and a directory for the bundled functions. A file that is run without it makes its own (test/flows/support/shared-broker.ts, rsa-keys.ts,
 * test/infra/support/bundled.ts).
 */

import { type BrokerProcess, newDirectory, startBroker } from '../flows/support/broker.ts'
import { sharedBrokerVariable } from '../flows/support/shared-broker.ts'
import { bundlesVariable } from '../infra/support/bundled.ts'
import { privateKeyText, sharedKeyVariable } from './rsa-keys.ts'

let broker: BrokerProcess

export async function globalSetup(): Promise<void> {
  broker = await startBroker()
  process.env[sharedBrokerVariable] = broker.url
  process.env[sharedKeyVariable] = privateKeyText()
  process.env[bundlesVariable] = newDirectory()
}

export async function globalTeardown(): Promise<void> {
  await broker.stop()
}
