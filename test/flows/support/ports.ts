/**
 * Free ports on the loopback, drawn below the range that the kernel gives to outgoing connections.
 *
 * Owns the draw. Must not know who listens.
 */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Named by local-stack.md as the defaults: somebody's own `npm start` may be listening there. */
const first = 12_000
const last = 31_999

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = randomInt(first, last + 1)
    if (await isFree(port)) return port
  }
  throw new Error('No free port found in 50 draws')
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
