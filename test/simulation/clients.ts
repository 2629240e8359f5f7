/**
 * DynamoDB clients for the instances of one run after another: the SDK takes milliseconds to make one. Nobody verifies the
 * signatures, so they are left out.
 */

import { INITIAL_RETRY_TOKENS } from '@smithy/core/retry'
import { connect, type Table } from '../../shared/store/table.ts'

const clients: Table[] = []

/** Steps of the SDK that only change headers of requests. */
const unseen = [
  'httpSigningMiddleware',
  'getUserAgentMiddleware',
  'hostHeaderMiddleware',
  'recursionDetectionMiddleware',
  'contentLengthMiddleware',
]

/**
 * @param at which instance of its run it is for
 * @returns a client as if it were new
 */
export function clientFor(at: number, requestHandler: object): Table {
  const known = clients[at]
  const table = known ?? connect('token-broker')
  const { config } = table.client
  Object.assign(config, { requestHandler })
  if (known === undefined) {
    for (const name of unseen) table.client.middlewareStack.remove(name)
    clients[at] = table
  } else {
    // A new client's allowance of retries.
    void config.retryStrategy().then((strategy) => Object.assign(strategy, { capacity: INITIAL_RETRY_TOKENS }))
  }
  return table
}
