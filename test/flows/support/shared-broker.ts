/**
 * Brokers with the settings of `npm start`, for the top of a test file: the one of the whole run, or one of the file's own.
 */
import { after } from 'node:test'
import { type Broker, type BrokerProcess, startBroker } from './broker.ts'

/** Where test/support/global-setup.ts tells the URL of its broker. */
export const sharedBrokerVariable = 'TEST_BROKER_URL'

/**
 * Other files use it at the same moment. A file that reads the log, counts sessions, or changes settings, the store or
 * keys takes a broker of its own.
 */
export async function sharedBroker(): Promise<Broker> {
  const url = process.env[sharedBrokerVariable]
  return url === undefined ? await ownBroker() : { url }
}

/** Ends after the file's tests. */
async function ownBroker(): Promise<BrokerProcess> {
  const broker = await startBroker()
  after(() => broker.stop())
  return broker
}
