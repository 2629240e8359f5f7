/**
 * Requests to a provider whose certificate no public authority vouches for (RFC 9110 §4.3.4).
 *
 * Owns whose word counts: the authority that is handed in and no other, for these requests alone. A certificate is always
 * verified. Must not know what is asked.
 */

import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'

type Fetch = (url: string, options: object) => Promise<Response>

/** No honest answer of a provider is longer. */
const longestAnswerBytes = 1_048_576

/**
 * A `fetch` that follows no redirects, and fails as `fetch` does.
 *
 * @param certificateAuthority PEM, one certificate or several
 */
export function fetchTrusting(certificateAuthority: string): Fetch {
  // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED cannot say otherwise.
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
    if (bytes > longestAnswerBytes) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  return new Response(bytes === 0 ? null : Buffer.concat(chunks), { status: incoming.statusCode ?? 502, headers })
}
