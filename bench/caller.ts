/**
 * The HTTP client of the bench. It reuses connections, and measures from the first byte sent to the last byte received.
 */

import { Agent, request } from 'node:http'

export type Answer = { readonly status: number; readonly text: string; readonly ms: number }
export type Form = Readonly<Record<string, string>>

export type Caller = {
  /** @param authorization the header of this name, for a client that authenticates by it */
  post(path: string, form: Form, authorization?: string): Promise<Answer>
  close(): void
}

/** @param url of the server */
export function createCaller(url: string): Caller {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true })
  return {
    post: (path, form, authorization) =>
      post({ agent, hostname, port, path }, new URLSearchParams(form).toString(), authorization),
    close: () => agent.destroy(),
  }
}

type Target = { readonly agent: Agent; readonly hostname: string; readonly port: string; readonly path: string }

function post(target: Target, body: string, authorization: string | undefined): Promise<Answer> {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(body),
    ...(authorization !== undefined && { authorization }),
  }
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const outgoing = request({ ...target, method: 'POST', headers }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text, ms: performance.now() - startedAt }))
      incoming.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
