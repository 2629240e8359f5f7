/** A process that runs deployed functions without a route, one call per message, as warm instances of Lambda would. */

import { inspect } from 'node:util'

export type Call = { readonly name: string; readonly event: object }
/**
 * @property log what the function has written to stdout
 * @property fault what it has thrown
 */
export type Ran = { readonly answer?: unknown; readonly log: string; readonly fault?: string }

let log = ''
process.stdout.write = (text: string | Uint8Array): boolean => {
  log += String(text)
  return true
}

process.on('message', async ({ name, event }: Call) => {
  log = ''
  try {
    const { handler } = await import(`deployed:${name}`)
    const answer: unknown = await handler(event, { getRemainingTimeInMillis: () => 60_000 })
    process.send!({ answer, log } satisfies Ran)
  } catch (error) {
    process.send!({ log, fault: inspect(error) } satisfies Ran)
  }
})
