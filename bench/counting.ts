/**
 * The requests and units that each operation takes at DynamoDB, counted one request at a time. Nothing is timed here.
 */

import { createCaller } from './caller.ts'
import { type Counted, startCountingProxy } from './counting-proxy.ts'
import { type OperationName, operations, type Session } from './operations.ts'
import { startServer } from './processes.ts'
import type { Stage } from './stage.ts'
import { perform } from './timing.ts'

/** What one request of the caller's leads to at DynamoDB. */
export type Cost = {
  /** How many by operation, `{ UpdateItem: 1 }`. */
  readonly requests: Readonly<Record<string, number>>
  readonly writeUnits: number
  readonly readUnits: number
  /** The largest item that was written. */
  readonly itemBytes: number
}

export type OperationCost = Cost & { readonly name: OperationName }

export type Counting = {
  /** In a broker that has read the registrations within their ten seconds. */
  readonly operations: readonly OperationCost[]
  /** On top for the first request of a client at a broker, and every ten seconds again. */
  readonly registrations: Cost
  /** Requests to the issuer of workload identities by a broker that has its keys. */
  readonly issuerRequests: number
}

/** @param sessions go through the whole story, one after another */
export async function countRequests(stage: Stage, sessions: number): Promise<Counting> {
  const proxy = await startCountingProxy(stage.dynamodbEndpoint)
  const broker = await startServer('broker', { ...stage.environment, AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint })
  const caller = createCaller(broker.url)
  let issuerRequests = 0
  const requests = new Map<OperationName, Counted[][]>(operations.map(({ name }) => [name, []]))
  try {
    for (let count = 0; count < sessions; count += 1) {
      // The first one fetches the keys.
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
    operations: operations.map(({ name }) => ({ name, ...costOf(usual(requests.get(name)!)) })),
    registrations: costOf(first.filter(isRegistration)),
    issuerRequests,
  }
}

/** A registration is read by itself; a family and its vault, where they are read, come together by a Query. */
const isRegistration = ({ operation }: Counted) => operation === 'GetItem'

/**
 * The largest of the requests without registrations: whether one met the end of their ten seconds is chance.
 *
 * @throws when there is none: then each request reads, and what was said of reading is wrong
 */
function usual(requests: readonly (readonly Counted[])[]): readonly Counted[] {
  const [most] = requests
    .filter((counted) => !counted.some(isRegistration))
    .toSorted((one, other) => other.length - one.length)
  if (most === undefined) throw new Error('Every single request has read from the table')
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
