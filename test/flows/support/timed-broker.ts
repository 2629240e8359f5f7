/**
 * A broker in the test's own process, whose clock the test moves: nobody sleeps to see what time does.
 *
 * Owns the clock's place. Everything is still spoken to over HTTP.
 */
import { startLocalStack } from '../../../local/stack.ts'
import { clock } from '../../../shared/broker.ts'
import type { Broker } from './broker.ts'

export type TimedBroker = Broker & {
  /** Moves the broker's clock ahead; a frozen clock stays frozen at the later moment. */
  advance(seconds: number): void
  /** Lets the broker's time stand still, to the millisecond. */
  freeze(): void
  /** Back to the time of day. */
  resetClock(): void
  stop(): Promise<void>
}

export async function startTimedBroker(): Promise<TimedBroker> {
  const stack = await startLocalStack({ functionLog: () => {} })
  const ownNow = clock.now
  let offsetMs = 0
  let frozenAtMs: number | undefined
  clock.now = () => (frozenAtMs ?? Date.now()) + offsetMs
  return {
    url: stack.url,
    advance: (seconds) => {
      offsetMs += seconds * 1000
    },
    freeze: () => {
      frozenAtMs = Date.now()
    },
    resetClock: () => {
      offsetMs = 0
      frozenAtMs = undefined
    },
    stop: async () => {
      clock.now = ownNow
      await stack.close()
    },
  }
}
