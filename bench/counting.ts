/**
 * Counts the requests and units that each operation takes at DynamoDB, one request at a time. Nothing is timed here.
 */

import { createCaller } from './caller.ts'
import { type Counted, startCountingProxy } from './counting-proxy.ts'
import { type OperationName, operations, type Session } from './operations.ts'
import { startServer } from './processes.ts'
import type { Stage } from './stage.ts'
import { perform } from './timing.ts'

/** The cost of one request of a caller at DynamoDB. */
export type Cost = {
  /** The number of requests by operation, for example `{ UpdateItem: 1 }`. */
  readonly requests: Readonly<Record<string, number>>
  readonly writeUnits: number
  readonly readUnits: number
  /** The largest item that was written. */
  readonly itemBytes: number
}

export type OperationCost = Cost & { readonly name: OperationName }

export type Counting = {
  /** The costs in a broker that has the registrations in its cache. */
  readonly operations: readonly OperationCost[]
  /** The additional cost of reading registrations: at a client's first request to a broker, and again every ten seconds. */
  readonly registrations: Cost
  /** Requests to the issuer of workload identities by a broker that already has its keys. */
  readonly issuerRequests: number
}

/** @param sessions the number of sessions that perform all operations, one session after another */
export async function countRequests(stage: Stage, sessions: number): Promise<Counting> {
  const proxy = await startCountingProxy(stage.dynamodbEndpoint)
  const broker = await startServer('broker', { ...stage.environment, AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint })
  const caller = createCaller(broker.url)
  let issuerRequests = 0
  const requests = new Map<OperationName, Counted[][]>(operations.map(({ name }) => [name, []]))
  try {
    for (let count = 0; count < sessions; count += 1) {
      // The first session makes the broker fetch the issuer's keys.
      if (count === 1) stage.platform.takeCount()
      const session: Session = {}
      for (const operation of operations) {
        await operation.prepare?.(session, stage, caller)
        proxy.take()
        await perform(caller, operation, session)
        requests.get(operation.name)!.push(proxy.take())
      }
    }
    issuerRequests = stage.platform.takeCount()
  } finally {
    caller.close()
    await broker.close()
    await proxy.close()
  }
  const [first = []] = requests.get('device start')!
  return {
    operations: operations.map(({ name }) => ({ name, ...costOf(largestCached(requests.get(name)!)) })),
    registrations: costOf(first.filter(isRegistration)),
    issuerRequests,
  }
}

/** Only registrations are read by GetItem: a family and its vault come together by a Query. */
const isRegistration = ({ operation }: Counted) => operation === 'GetItem'

/**
 * The most expensive request among those that found the registrations in the cache. Whether the cache has just expired is
 * chance.
 *
 * @throws when every request has read registrations, because then the broker does not cache them
 */
function largestCached(requests: readonly (readonly Counted[])[]): readonly Counted[] {
  const [most] = requests
    .filter((counted) => !counted.some(isRegistration))
    .toSorted((one, other) => other.length - one.length)
  if (most === undefined)
    throw new Error('Every request has read registrations from the table; the cache does not work')
  return most
}

function costOf(counted: readonly Counted[]): Cost {
  const names = [...new Set(counted.map(({ operation }) => operation))]
  const sum = (of: (one: Counted) => number) => counted.reduce((total, one) => total + of(one), 0)
  return {
    requests: Object.fromEntries(names.map((name) => [name, counted.filter((one) => one.operation === name).length])),
    writeUnits: sum(({ writeUnits }) => writeUnits),
    readUnits: sum(({ readUnits }) => readUnits),
    itemBytes: Math.max(0, ...counted.map(({ itemBytes }) => itemBytes ?? 0)),
  }
}
