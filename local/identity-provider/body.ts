/**
 * Reading what a request brings along.
 *
 * Owns the limit. Must not know what is in it.
 */

import type { IncomingMessage } from 'node:http'

const longestBodyCharacters = 10_000

/** @returns undefined when it is too long */
export async function bodyIn(incoming: IncomingMessage): Promise<string | undefined> {
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8')) {
    text += chunk
    if (text.length > longestBodyCharacters) return undefined
  }
  return text
}
