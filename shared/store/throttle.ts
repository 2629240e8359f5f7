/**
 * How many wrong user codes may be tried (RFC 8628 §5.1), over all Lambdas.
 *
 * A guess is paid for before it is looked up, and given back when it was right or the store could not look it up. Each
 * change of a counter is one conditional write, so fifty guesses at once are fifty guesses. Decision 38 says who pays from
 * which counters.
 */

import { networkOf } from '../domain/network.ts'
import { updateWithoutId } from './conditional-write.ts'
import type { Condition } from './expressions.ts'
import type { Table } from './table.ts'

const windowSeconds = 300

/** How many wrong guesses each counter allows within a window; the last of them is still looked up. */
export const maxWrong = {
  /** A browser, or a person whatever their browsers. */
  browser: 10,
  person: 10,
  /** All browsers of an address together that have not been used to sign in. */
  browsers: 60,
  /** All requests from an address that show no cookie of ours. */
  address: 20,
} as const

/** Whose counters a guess is charged to. */
export type Guesser =
  /** A person who has signed in with this browser before; the id is a keyed hash. */
  | { readonly kind: 'person'; readonly id: string }
  /** A browser with our cookie. Anyone can get a new cookie, so its address is charged too. */
  | { readonly kind: 'browser'; readonly id: string; readonly address: string }
  | { readonly kind: 'address'; readonly address: string }

/** The result of charging a guess. */
export type Payment = {
  /** Whether the guess may be looked up. */
  readonly allowed: boolean
  /** How many more may be wrong in this window. */
  readonly left: number
  /** Until the window ends. */
  readonly retryAfterSeconds: number
  /** For a guess that was right, or could not be looked up. */
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

/** Gives a payment back when a request fails: a guess that the store could not look up costs nothing, if the store still answers. */
export async function orGivenBack<Asked>(asked: Promise<Asked>, giveBack: Payment['giveBack']): Promise<Asked> {
  try {
    return await asked
  } catch (error) {
    await giveBack().catch(() => {})
    throw error
  }
}

/** The browser's own counter comes first: a browser that is stopped must not use up the allowance of the others at its address. */
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
  const belowLimit: Condition = {
    is: 'any',
    of: [
      { attribute: 'wrong', is: 'absent' },
      { attribute: 'wrong', is: '<', value: maxWrong[kind] },
    ],
  }
  const updated = await updateWithoutId(
    table,
    {
      key: { pk: `throttle#user-code#${kind}#${of}`, sk: `throttle#${window}` },
      conditions: [change === 1 ? belowLimit : { attribute: 'wrong', is: '>', value: 0 }],
      change: { add: { wrong: change }, set: { expires: (window + 2) * windowSeconds } },
    },
    true,
  )
  return updated && Number(updated.wrong)
}
