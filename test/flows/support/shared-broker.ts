/**
 * Brokers with the settings of `npm start`, for the top of a test file: the one of the whole run, or one of this process.
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
  return url === undefined ? ownBroker() : { url }
}

let own: Promise<BrokerProcess> | undefined
let files = 0

/** One for all files of this process. Ends after the tests of the last. */
function ownBroker(): Promise<BrokerProcess> {
  files += 1
  own ??= startBroker()
  const broker = own
  after(async () => {
    files -= 1
    if (files === 0) await (await broker).stop()
  })
  return broker
}
