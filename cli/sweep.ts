/** A revocation of many sessions, repeated until the broker says that it is complete. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Json, notABroker, type OpsBroker } from './broker.ts'

/** One call works for 12 s. Its answer then has a cursor for the next call. */
const maxSweeps = 200
const betweenSweepsMs = 500

/**
 * @param counted called after each answer with the number of sessions that it ended
 * @returns the last answer, with the sum of `revoked`
 * @throws {Problem}
 */
export async function sweep(broker: OpsBroker, body: Json, counted: (count: number) => void): Promise<Json> {
  let revoked: number | undefined
  let from: Json = {}
  for (let sweeps = 1; ; sweeps += 1) {
    const answer = await broker.call('POST', 'sessions/revoke', {}, { ...body, ...from })
    if (typeof answer.complete !== 'boolean')
      throw notABroker('The broker did not say whether the revocation is complete.')
    if (typeof answer.revoked === 'number') {
      revoked = (revoked ?? 0) + answer.revoked
      counted(answer.revoked)
    }
    if (answer.complete !== false || sweeps === maxSweeps) {
      return { ...answer, ...(revoked !== undefined && { revoked }) }
    }
    // The cursor keeps the time of the first call: sessions that began before it end.
    if (typeof answer.cursor === 'string') from = { cursor: answer.cursor }
    await pause(betweenSweepsMs)
  }
}
