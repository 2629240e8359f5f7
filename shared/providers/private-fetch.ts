/**
 * `fetch` for a provider whose certificate comes from a private authority: only that authority is trusted, and only for these
 * requests (RFC 9110 §4.3.4). By node:https, since undici does not fit into a function (docs/decisions/0051).
 */

import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'

type Fetch = (url: string, options: object) => Promise<Response>

/** No token answer, profile, metadata or key set is longer. */
const maxAnswerBytes = 1_048_576

/**
 * Follows no redirect, and fails as `fetch` does.
 *
 * @param certificateAuthority PEM, one certificate or several
 */
export function fetchTrusting(certificateAuthority: string): Fetch {
  // Explicit, since NODE_TLS_REJECT_UNAUTHORIZED could turn verification off otherwise.
  const agent = new Agent({ ca: certificateAuthority, rejectUnauthorized: true })
  return async (url, options) => {
    const request = new Request(url, options)
    // A loopback address without TLS has no certificate to verify.
    if (!request.url.startsWith('https:')) return fetch(request)
    return send(agent, request, Buffer.from(await request.arrayBuffer()))
  }
}

function send(agent: Agent, { url, method, headers, signal }: Request, body: Buffer): Promise<Response> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(signal.aborted ? signal.reason : new TypeError('fetch failed', { cause }))
    const outgoing = httpsRequest(url, { agent, method, headers: Object.fromEntries(headers), signal }, (incoming) => {
      answerFrom(incoming).then(resolve, fail)
    })
    outgoing.on('error', fail).end(body)
  })
}

async function answerFrom(incoming: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  return new Response(bytes === 0 ? null : Buffer.concat(chunks), { status: incoming.statusCode ?? 502, headers })
}
