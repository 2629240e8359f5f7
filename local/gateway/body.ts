/**
 * Reads the body of a request, up to a limit.
 *
 * Owns the bytes on their way in. Must not know what they mean.
 */

import type { IncomingMessage } from 'node:http'

/** API Gateway's own limit. */
const longestBodyBytes = 10 * 1024 * 1024

/** @returns undefined for a request without a body */
export function readBody(incoming: IncomingMessage): Promise<Buffer | undefined | 'too long' | 'cut off'> {
  const { 'content-length': announced, 'transfer-encoding': encoding } = incoming.headers
  if (announced === undefined && encoding === undefined) return Promise.resolve(undefined)
  if (Number(announced) > longestBodyBytes) return Promise.resolve('too long')
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > longestBodyBytes) resolve('too long')
      else chunks.push(chunk)
    })
    incoming.on('end', () => {
      const [only] = chunks
      const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
      resolve(body.length === 0 ? undefined : body)
    })
    incoming.on('error', () => resolve('cut off'))
  })
}

/**
 * Reads on for a moment and forgets what comes: a client that is still sending would otherwise see its connection reset
 * and not the answer.
 */
export function drain(incoming: IncomingMessage, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, ms)
    const done = () => {
      clearTimeout(late)
      resolve()
    }
    incoming.on('end', done).on('close', done).on('error', done)
    incoming.on('data', () => {}).resume()
  })
}
