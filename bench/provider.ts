/**
 * A provider for the bench: serves its metadata, and refreshes with rotation (RFC 6749 §6), which it counts. It answers as
 * slowly as a distant provider, so that simultaneous callers find a request in progress. There is no sign-in.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { tenantPath } from '../local/identity-provider/paths.ts'
import { listen, loopback } from '../local/ports.ts'
import { randomId } from '../shared/random.ts'
import { closeServer, createCounter } from './counted-server.ts'

export type Provider = {
  readonly url: string
  /** Returns the number of requests for fresh tokens since the last call. */
  takeCount(): number
  close(): Promise<void>
}

const answersAfterMs = 200

export async function startProvider(): Promise<Provider> {
  const used = new Set<string>()
  const counter = createCounter()
  let url = ''
  const server = createServer(async (incoming, outgoing) => {
    if (incoming.method !== 'POST') return answer(outgoing, 200, metadata(`${url}${tenantPath}`))
    counter.add()
    const refreshToken = new URLSearchParams(await textOf(incoming)).get('refresh_token') ?? ''
    await pause(answersAfterMs)
    if (used.has(refreshToken)) return answer(outgoing, 403, { error: 'invalid_grant' })
    used.add(refreshToken)
    answer(outgoing, 200, {
      access_token: randomId(),
      refresh_token: randomId(),
      token_type: 'Bearer',
      expires_in: 3600,
    })
  })
  url = `http://${loopback}:${await listen(server, 0, 'PORT')}`
  return {
    url,
    takeCount: counter.take,
    close: () => closeServer(server),
  }
}

/** OIDC Discovery §3, as far as the broker needs it. */
function metadata(issuer: string) {
  const at = (path: string) => `${issuer}${path}`
  return {
    issuer,
    authorization_endpoint: at('authorize'),
    token_endpoint: at('oauth/token'),
    jwks_uri: at('jwks.json'),
  }
}

function answer(outgoing: ServerResponse, status: number, body: object): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk
  return text
}
