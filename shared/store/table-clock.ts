/**
 * The time by DynamoDB's answers, for programs whose machine may have a wrong clock. Functions run on AWS and use their own.
 *
 *     machine's clock when the request leaves ≤ end of the second in `Date`, and when the answer arrives ≥ its beginning
 *       ──yes──► the machine's clock is right, and finer than `Date`
 *       ──no───► the end of that second, and what has passed since
 */

import type { Table } from './table.ts'

/** @returns the time, ms; that of this machine until DynamoDB has answered */
export function tableClock({ client }: Table): () => number {
  let now = Date.now
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = Date.now()
      const result = await next(args)
      const second = Date.parse(dateOf(result.response) ?? '')
      if (!Number.isNaN(second)) now = clockFor(second, sentAt)
      return result
    },
    // After each try, and before errors in the answer are thrown.
    { step: 'deserialize', priority: 'low' },
  )
  return () => now()
}

function clockFor(second: number, sentAt: number): () => number {
  const endOfSecond = second + 1_000
  if (sentAt <= endOfSecond && Date.now() >= second) return Date.now
  const answeredAt = performance.now()
  return () => Math.round(endOfSecond + performance.now() - answeredAt)
}

function dateOf(response: unknown): string | undefined {
  return (response as { readonly headers?: { readonly date?: string } } | undefined)?.headers?.date
}
