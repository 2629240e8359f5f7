/** What the bench's own servers have in common: a count that is taken, and an end that closes every connection. */

import { once } from 'node:events'
import type { Server } from 'node:http'

export type Counter = {
  add(): void
  /** The count since the last time. */
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
