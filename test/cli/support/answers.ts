/** A broker whose first answers a test chooses. */

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export const hangUp: RequestListener = ({ socket }) => socket.destroy()

export const json =
  (status: number, body: object): RequestListener =>
  (_incoming, outgoing) =>
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

/**
 * Answers each request in turn as one of these says.
 *
 * @param behind the broker that answers all later requests; undefined: nobody does
 * @returns the origin
 */
export async function startAnswering(
  t: TestContext,
  answers: readonly RequestListener[],
  behind?: string,
): Promise<string> {
  const left = [...answers]
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const answer = left.shift()
    if (answer !== undefined) return void answer(incoming, outgoing)
    if (behind === undefined) return
    const { method = 'GET', url = '/', headers } = incoming
    const type = headers['content-type']
    const passed = await fetch(new URL(url, behind), {
      ...{ method, body: Buffer.concat(chunks) },
      ...(type !== undefined && { headers: { 'content-type': type } }),
    })
    outgoing.writeHead(passed.status, { 'content-type': 'application/json' }).end(await passed.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
