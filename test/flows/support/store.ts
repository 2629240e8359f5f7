/**
 * A DynamoDB for brokers to share, with or without a fault proxy in front of it.
 */
import { startDynamodb } from '../../../local/dynamodb.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

export type Store = { readonly endpoint: string; stop(): Promise<void> }

/** Embedded and in memory, unless the environment names one. */
export async function startStore(): Promise<Store> {
  const named = process.env.AWS_ENDPOINT_URL_DYNAMODB
  return named === undefined ? startDynamodb({ log: () => {} }) : { endpoint: named, stop: async () => {} }
}

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
