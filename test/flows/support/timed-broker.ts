/**
 * A broker in the test's own process, whose clock the test moves: nobody sleeps to see what time does.
 *
 * Owns the clock's place. Everything is still spoken to over HTTP.
 */
import { clock } from '../../../shared/parts.ts'
import type { Broker } from './broker.ts'
import { startBrokerHere } from './broker-here.ts'

export type TimedBroker = Broker & {
  /** Sets the broker's clock to the time of day and lets it stand there, to the millisecond. */
  freeze(): void
  /** Moves it ahead, or back; it goes on standing. */
  advance(seconds: number): void
  stop(): Promise<void>
}

/** @param registry path of a registry file, the local stack's own without it */
export async function startTimedBroker(registry?: string): Promise<TimedBroker> {
  const broker = await startBrokerHere(registry === undefined ? {} : { registry })
  const ownNow = clock.now
  let nowMs = Date.now()
  clock.now = () => nowMs
  return {
    url: broker.url,
    freeze: () => {
      nowMs = Date.now()
    },
    advance: (seconds) => {
      nowMs += seconds * 1000
    },
    stop: async () => {
      clock.now = ownNow
      await broker.stop()
    },
  }
}
