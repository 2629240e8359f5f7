/**
 * A revocation of many, asked for until the broker says that it is complete.
 *
 * A sweep ends when the Lambda's time does, and says where to go on. Must not know whose sessions they are.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Json, OpsBroker } from './broker.ts'

/** A person with a million sessions does not exist. */
const mostSweeps = 200
const betweenSweepsMs = 500

/**
 * @param counted told after each answer how many it has ended
 * @returns the last answer; `revoked`, where it is counted, is of all of them
 * @throws {Problem}
 */
export async function sweep(broker: OpsBroker, body: Json, counted: (count: number) => void): Promise<Json> {
  let revoked: number | undefined
  let from: Json = {}
  for (let sweeps = 1; ; sweeps += 1) {
    const answer = await broker.call('POST', 'sessions/revoke', {}, { ...body, ...from })
    if (typeof answer.revoked === 'number') {
      revoked = (revoked ?? 0) + answer.revoked
      counted(answer.revoked)
    }
    if (answer.complete !== false || sweeps === mostSweeps) {
      return { ...answer, ...(revoked !== undefined && { revoked }) }
    }
    // With it the moment stays the first one's.
    if (typeof answer.cursor === 'string') from = { cursor: answer.cursor }
    await pause(betweenSweepsMs)
  }
}
