/**
 * How a broker makes itself known to the identity provider that another broker on this machine runs: one request, which
 * says which clients it has and stays open for as long as both are there.
 *
 * Owns that request, on both sides. Must not know OAuth. It lets any program of this machine in, as does the login page.
 */

import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { PortTaken } from '../ports.ts'
import type { Part } from '../serve-or-follow.ts'
import type { ProviderClient } from './clients.ts'

export const joinPath = '/stand-in/join'

const greeting = 'Welcome to the local identity provider of Token Broker.'
const answerWithinMs = 3_000

/** Answers such a request; the answer ends when this process does. */
export async function admit(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  add: (clients: readonly ProviderClient[]) => void,
): Promise<void> {
  // A page in a browser cannot send this type to another origin without asking first, and is not answered then.
  if (incoming.method !== 'POST' || incoming.headers['content-type'] !== 'application/json') {
    outgoing.writeHead(404).end()
    return
  }
  add((await json(incoming)) as readonly ProviderClient[])
  outgoing.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-store' }).write(`${greeting}\n`)
}

/** @returns undefined where nobody listens @throws {PortTaken} when something else does */
export function joinAt(port: number, host: string, clients: readonly ProviderClient[]): Promise<Part | undefined> {
  return new Promise((resolve, reject) => {
    const taken = () => reject(new PortTaken(port, 'IDP_PORT'))
    const call = request({ host, port, path: joinPath, method: 'POST', agent: false })
    const late = setTimeout(() => call.destroy(new PortTaken(port, 'IDP_PORT')), answerWithinMs)
    const ended = new Promise<void>((gone) => call.on('close', gone))
    call.setHeader('content-type', 'application/json')
    call.on('error', (error) => {
      clearTimeout(late)
      // Hung up on: perhaps one that is just going. Whether the port is free then, the caller finds out.
      if ('code' in error && /^ECONN(REFUSED|RESET)$/.test(String(error.code))) resolve(undefined)
      else taken()
    })
    call.on('response', (answer) => {
      answer.setEncoding('utf8').on('error', () => {})
      answer.once('data', (text: string) => {
        clearTimeout(late)
        if (answer.statusCode !== 200 || !text.startsWith(greeting)) {
          call.destroy()
          return taken()
        }
        answer.resume()
        resolve({
          ended,
          stop: async () => {
            call.destroy()
            await ended
          },
        })
      })
      answer.once('end', taken)
    })
    call.end(JSON.stringify(clients))
  })
}
