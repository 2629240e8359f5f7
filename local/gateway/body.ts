/**
 * Reads the body of a request, up to API Gateway's limit.
 */

import type { IncomingMessage } from 'node:http'
import { maxBodyBytes } from '../../infra/limits.ts'

/** @returns undefined for a request without a body */
export function readBody(incoming: IncomingMessage): Promise<Buffer | undefined | 'too long' | 'cut off'> {
  const { 'content-length': announced, 'transfer-encoding': encoding } = incoming.headers
  if (announced === undefined && encoding === undefined) return Promise.resolve(undefined)
  if (Number(announced) > maxBodyBytes) return Promise.resolve('too long')
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBodyBytes) resolve('too long')
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

/** Reads and discards the rest. Otherwise a client that is still sending would see a reset connection and no answer. */
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
