/**
 * Plays the internet, and the proxy in front of the API that docs/deploy.md describes: an HTTP proxy that accepts
 * connections to the public name and to API Gateway's own names, terminates TLS, and forwards the requests to the
 * emulator.
 */

import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { certificateForNames } from '../test/support/certificate.ts'

export const publicName = 'auth.rehearsal.test'
/** The headers with the caller's address: one for the first deployment, and one for the update. */
export const addressHeaders = ['x-viewer-address', 'x-real-address'] as const
/** API Gateway's own host names. */
const ownNames = '*.execute-api.eu-central-1.amazonaws.com'

export type Front = {
  /** The value for the variable HTTPS_PROXY. */
  readonly proxy: string
  /** The certificate, as PEM, of the authority that issues the certificates of all names here. */
  readonly authority: string
  /** Where requests to the public name go: the stack output ApiUrl, once it exists. */
  origin: URL | undefined
  close(): void
}

/** @param port of the emulator */
export async function startFront(port: number): Promise<Front> {
  const { authority, certificate, key } = certificateForNames(publicName, ownNames)
  const front: Front = { proxy: '', authority, origin: undefined, close: () => server.close() }
  const inside = createTlsServer({ cert: certificate, key }, (incoming, outgoing) => {
    const { origin } = front
    const address = incoming.socket.remoteAddress ?? '127.0.0.1'
    const isPublic = incoming.headers.host === publicName
    if (isPublic && origin === undefined) return void outgoing.writeHead(502).end()
    const behind = request({
      host: '127.0.0.1',
      port,
      method: incoming.method,
      path: isPublic ? `${origin?.pathname.replace(/\/$/, '')}${incoming.url}` : incoming.url,
      headers: {
        ...incoming.headers,
        ...(isPublic && { host: origin?.host, ...Object.fromEntries(addressHeaders.map((name) => [name, address])) }),
      },
    })
    behind.on('response', (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    behind.on('error', () => outgoing.destroy())
    incoming.pipe(behind)
  })
  const server = createServer((_, outgoing) => outgoing.writeHead(400).end())
  server.on('connect', (_, socket) => {
    socket.write('HTTP/1.1 200 Connected\r\n\r\n')
    inside.emit('connection', socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return Object.assign(front, { proxy: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}
