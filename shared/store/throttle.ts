/**
 * How many wrong user codes an address may try (RFC 8628 §5.1), over all Lambdas.
 *
 * Owns the counter's item. Must not know pages or what a user code is. An attempt is paid for before it is made and given
 * back when it was right, each by one conditional write, so that fifty guesses at once are fifty guesses.
 */

import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from './attributes.ts'
import type { Table } from './table.ts'
import { ask } from './table.ts'

const windowSeconds = 300
/** The tenth wrong one within a window is the last that is looked at. */
const mostWrong = 10

/** What a guess may cost. */
export type Payment = {
  /** Whether the guess may be looked at. */
  readonly allowed: boolean
  /** How many more may be wrong in this window. */
  readonly left: number
  /** Until the window is over. */
  readonly retryAfterSeconds: number
  /** For a guess that was right. */
  readonly giveBack: () => Promise<void>
}

export type Throttle = {
  /**
   * Pays for one guess from an address.
   *
   * @throws {Unavailable}
   */
  pay(address: string): Promise<Payment>
}

/** @param now the clock, ms; tests hand in their own */
export function createThrottle(table: Table, now: () => number): Throttle {
  return {
    async pay(address) {
      const window = Math.floor(now() / 1000 / windowSeconds)
      const windowEndsAt = (window + 1) * windowSeconds
      const key = { pk: `throttle#user-code#${networkOf(address)}`, sk: `throttle#${window}` }
      const add = (change: 1 | -1) => count(table, key, change, windowEndsAt)
      const wrong = await add(1)
      return {
        allowed: wrong !== undefined,
        left: wrong === undefined ? 0 : mostWrong - wrong,
        retryAfterSeconds: Math.max(1, Math.ceil(windowEndsAt - now() / 1000)),
        giveBack: async () => void (await add(-1)),
      }
    },
  }
}

/** @returns the new count, or undefined when the limit stands against it */
async function count(
  table: Table,
  key: { readonly pk: string; readonly sk: string },
  change: 1 | -1,
  windowEndsAt: number,
): Promise<number | undefined> {
  try {
    const { Attributes } = await ask(() =>
      table.client.send(
        new UpdateItemCommand({
          TableName: table.name,
          Key: marshall(key),
          UpdateExpression: 'SET #expires = :expires ADD #wrong :change',
          ConditionExpression: change === 1 ? 'attribute_not_exists(#wrong) OR #wrong < :limit' : '#wrong > :limit',
          ExpressionAttributeNames: { '#wrong': 'wrong', '#expires': 'expires' },
          ExpressionAttributeValues: marshall({
            ':change': change,
            ':expires': windowEndsAt + windowSeconds,
            ':limit': change === 1 ? mostWrong : 0,
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

/** One household or machine has a whole IPv6 /64 to itself, so that is what is counted. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`
}
