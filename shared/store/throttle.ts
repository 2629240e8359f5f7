/**
 * How many wrong user codes may be tried (RFC 8628 §5.1), over all Lambdas.
 *
 * A guess is paid for before it is looked at, and given back when it was right or the store could not look it up. Each change of a counter is one conditional
 * write, so fifty guesses at once are fifty guesses. Who pays, and why from several counters: docs/decisions/0038.
 */

import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { networkOf } from '../domain/network.ts'
import { marshall, unmarshall } from './attributes.ts'
import type { Table } from './table.ts'
import { ask } from './table.ts'

const windowSeconds = 300

/** How many wrong ones each counter allows within a window; the last of them is still looked at. */
export const maxWrong = {
  /** A browser, or a person whatever their browsers. */
  browser: 10,
  person: 10,
  /** All browsers of an address together that have not been used to sign in. */
  browsers: 60,
  /** All requests from an address that show no cookie of ours. */
  address: 20,
} as const

/** Who tries a code. */
export type Guesser =
  /** Somebody who has signed in with this browser before, by a keyed hash of who they are. */
  | { readonly kind: 'person'; readonly id: string }
  /** A browser that shows our cookie. Cookies are free, so its address pays as well. */
  | { readonly kind: 'browser'; readonly id: string; readonly address: string }
  | { readonly kind: 'address'; readonly address: string }

/** What a guess may cost. */
export type Payment = {
  /** Whether the guess may be looked at. */
  readonly allowed: boolean
  /** How many more may be wrong in this window. */
  readonly left: number
  /** Until the window is over. */
  readonly retryAfterSeconds: number
  /** For a guess that was right, or could not be looked at. */
  readonly giveBack: () => Promise<void>
}

export type Throttle = {
  /**
   * Pays for one guess.
   *
   * @throws {Unavailable}
   */
  pay(guesser: Guesser): Promise<Payment>
}

type Counter = { readonly kind: keyof typeof maxWrong; readonly of: string }

/** @param now the clock, ms; tests hand in their own */
export function createThrottle(table: Table, now: () => number): Throttle {
  return {
    async pay(guesser) {
      const window = Math.floor(now() / 1000 / windowSeconds)
      const windowEndsAt = (window + 1) * windowSeconds
      const retryAfterSeconds = Math.max(1, Math.ceil(windowEndsAt - now() / 1000))
      const paid: Counter[] = []
      const giveBack = async () => {
        for (const counter of paid.splice(0)) await count(table, counter, window, -1)
      }
      let left = Number.POSITIVE_INFINITY
      for (const counter of countersOf(guesser)) {
        const wrong = await orGivenBack(count(table, counter, window, 1), giveBack)
        if (wrong === undefined) {
          await giveBack()
          return { allowed: false, left: 0, retryAfterSeconds, giveBack }
        }
        paid.push(counter)
        left = Math.min(left, maxWrong[counter.kind] - wrong)
      }
      return { allowed: true, left, retryAfterSeconds, giveBack }
    },
  }
}

/** What a fault of the store keeps from being looked at costs nothing, as far as the store can still be told so. */
export async function orGivenBack<Asked>(asked: Promise<Asked>, giveBack: Payment['giveBack']): Promise<Asked> {
  try {
    return await asked
  } catch (error) {
    await giveBack().catch(() => {})
    throw error
  }
}

/** The browser's own counter first: one that is stopped must not use up what the others of its address have. */
function countersOf(guesser: Guesser): readonly Counter[] {
  switch (guesser.kind) {
    case 'person':
      return [{ kind: 'person', of: guesser.id }]
    case 'browser':
      return [
        { kind: 'browser', of: guesser.id },
        { kind: 'browsers', of: networkOf(guesser.address) },
      ]
    case 'address':
      return [{ kind: 'address', of: networkOf(guesser.address) }]
  }
}

/** @returns the new count, or undefined when the limit stands against it */
async function count(table: Table, { kind, of }: Counter, window: number, change: 1 | -1): Promise<number | undefined> {
  try {
    const { Attributes } = await ask(() =>
      table.client.send(
        new UpdateItemCommand({
          TableName: table.name,
          Key: marshall({ pk: `throttle#user-code#${kind}#${of}`, sk: `throttle#${window}` }),
          UpdateExpression: 'SET #expires = :expires ADD #wrong :change',
          ConditionExpression: change === 1 ? 'attribute_not_exists(#wrong) OR #wrong < :limit' : '#wrong > :limit',
          ExpressionAttributeNames: { '#wrong': 'wrong', '#expires': 'expires' },
          ExpressionAttributeValues: marshall({
            ':change': change,
            ':expires': (window + 2) * windowSeconds,
            ':limit': change === 1 ? maxWrong[kind] : 0,
          }),
          ReturnValues: 'UPDATED_NEW',
        }),
      ),
    )
    return Number(unmarshall(Attributes!).wrong)
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined
    throw error
  }
}
