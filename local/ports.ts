/**
 * Listening on ports of this machine.
 */

import { once } from 'node:events'
import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { Problem } from './problem.ts'

export const loopback = '127.0.0.1'

/** Another program listens on the port. */
export class PortTaken extends Problem {
  constructor(port: number, variable: string) {
    super(`Port ${port} is in use by another program. Set ${variable} to another port (0 picks a free one).`)
  }
}

/**
 * @param port 0 picks a free port
 * @param variable the environment variable that names the port, for the message
 * @returns the port that the server listens on
 * @throws {PortTaken}
 */
export async function listen(server: Server, port: number, variable: string): Promise<number> {
  server.listen(port, loopback)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') throw new PortTaken(port, variable)
    throw error
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A server on a port has an address with a port')
  return address.port
}

/** A port that was free a moment ago, for programs that cannot report which port they picked. */
export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server, 0, 'PORT')
  server.close()
  await once(server, 'close')
  return port
}
