/** Shared by the bench's own servers: a counter of requests, and a shutdown that closes every connection. */

import { once } from 'node:events'
import type { Server } from 'node:http'

export type Counter = {
  add(): void
  /** Returns the count since the last call. */
  take(): number
}

export function createCounter(): Counter {
  let count = 0
  return {
    add: () => {
      count += 1
    },
    take: () => {
      const taken = count
      count = 0
      return taken
    },
  }
}

export async function closeServer(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}
