/**
 * A DynamoDB for brokers to share, with a fault proxy in front of it.
 *
 * Owns the pair. Must not know what is kept there.
 */
import { startDynamodb } from '../../../local/dynamodb.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

/** The store is embedded and in memory, unless the environment names one. Both end with `stop`. */
export async function startFaultyStore(): Promise<FaultProxy> {
  const named = process.env.AWS_ENDPOINT_URL_DYNAMODB
  if (named !== undefined) return startFaultProxy(named)
  const dynamodb = await startDynamodb({ log: () => {} })
  const proxy = await startFaultProxy(dynamodb.endpoint)
  return {
    ...proxy,
    stop: async () => {
      await proxy.stop()
      await dynamodb.stop()
    },
  }
}
