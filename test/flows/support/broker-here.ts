/**
 * A broker in the test's own process, at most one at a time: its code is warm where the files of a folder share a process. Everything
 * is still spoken to over HTTP. What only a process has (signals, a crash, a second instance) needs `startBroker`.
 */

import '../../support/rights-guard.ts'
import { startLocalStack } from '../../../local/stack.ts'
import { type Broker, type BrokerSettings, withStore } from './broker.ts'

export type BrokerHere = Broker & {
  /** The functions' log so far. */
  output(): string
  stop(): Promise<void>
}

export async function startBrokerHere(given: Omit<BrokerSettings, 'environment'> = {}): Promise<BrokerHere> {
  const { settings, stopStore } = await withStore(given)
  const { dynamodb, registry, shared } = settings
  const lines: string[] = []
  const stack = await startLocalStack({
    functionLog: (line) => void lines.push(line),
    // A test that runs a scheduled function is to be the only one who does.
    isScheduled: false,
    ...(dynamodb !== undefined && { dynamodbEndpoint: dynamodb }),
    ...(registry !== undefined && { registry }),
    ...shared,
  })
  return {
    url: stack.url,
    output: () => lines.join('\n'),
    stop: async () => {
      await stack.close()
      await stopStore()
    },
  }
}
