/**
 * A DynamoDB for brokers to share, with a fault proxy in front of it.
 */
import { startStore } from '../../support/dynamodb.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

/** Both end with `stop`. */
export async function startFaultyStore(): Promise<FaultProxy> {
  const store = await startStore()
  const proxy = await startFaultProxy(store.endpoint)
  return {
    ...proxy,
    stop: async () => {
      await proxy.stop()
      await store.stop()
    },
  }
}
