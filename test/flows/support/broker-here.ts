/**
 * A broker in the test's own process, at most one at a time: its code is warm where the files of a folder share a process. Everything
 * is still spoken to over HTTP. What only a process has (signals, a crash, a second instance) needs `startBroker`.
 */

import '../../support/broker-keys.ts'
import '../../support/rights-guard.ts'
import { randomUUID } from 'node:crypto'
import { startLocalStack } from '../../../local/stack.ts'
import { clock } from '../../../shared/parts.ts'
import { shareStore } from '../../support/dynamodb.ts'
import { type Broker, type BrokerSettings, withStore } from './broker.ts'
import type { MovedClock } from './moved-clock.ts'

export type BrokerHere = Broker & {
  /** The functions' log so far. */
  output(): string
  stop(): Promise<void>
}

type Settings = Omit<BrokerSettings, 'environment'> & {
  readonly clock?: MovedClock
  readonly tableName?: string
  readonly timeLimitMs?: number
}

/** Where brokers in other processes share its identity provider, it starts first. */
export async function startBrokerHere(given: Settings = {}): Promise<BrokerHere> {
  const hasStore = given.dynamodb !== undefined || given.shared !== undefined
  const { settings, stopStore } = hasStore ? await withStore(given) : await withOwnTable(given)
  const { dynamodb, registry, tableName, timeLimitMs, shared, clock: moved } = settings
  const lines: string[] = []
  const stack = await startLocalStack({
    functionLog: (line) => void lines.push(line),
    // A test that runs a scheduled function is to be the only one who does.
    isScheduled: false,
    ...(dynamodb !== undefined && { dynamodbEndpoint: dynamodb }),
    ...(registry !== undefined && { registry }),
    ...(tableName !== undefined && { tableName }),
    ...(timeLimitMs !== undefined && { timeLimitMs }),
    ...shared,
  })
  const ownNow = clock.now
  if (moved !== undefined) clock.now = moved.nowMs
  return {
    url: stack.url,
    output: () => lines.join('\n'),
    stop: async () => {
      clock.now = ownNow
      await stack.close()
      await stopStore()
    },
  }
}

/** A table at the DynamoDB of this process. */
async function withOwnTable(given: Settings): Promise<{ readonly settings: Settings; stopStore(): Promise<void> }> {
  const { endpoint, stop } = await shareStore()
  return { settings: { ...given, dynamodb: endpoint, tableName: `broker-${randomUUID()}` }, stopStore: stop }
}
