/**
 * The end of all that a person has, at one application or at all of them.
 *
 * Owns the rounds: end everything, look again, until nothing of theirs lives. Whatever interrupts it, the same again goes
 * on; what has ended stays ended.
 */

import { mapWithConcurrency } from '../shared/map-with-concurrency.ts'
import type { Json, OpsBroker } from './broker.ts'
import { lookFor, type Person, type Sighting, type Who } from './people.ts'
import { Problem } from './problem.ts'
import { sweep } from './sweep.ts'
import { endSpinner, spin } from './terminal.ts'

/** A person who still has sessions after that signs in again and again, so their account is still open. */
const mostRounds = 3
const mostAtOnce = 4

export type PersonEnd = {
  readonly revoked: number
  /** What the applications answered, one for each person there. */
  readonly answers: readonly Json[]
  /** What lives after the last round. */
  readonly live: number
  /** What could not be asked or ended, in words. */
  readonly failures: readonly string[]
}

/** @param sightings where they were found to begin with */
export async function endPerson(
  brokers: readonly OpsBroker[],
  who: Who,
  sightings: readonly Sighting[],
  reason: string | undefined,
): Promise<PersonEnd> {
  let found = sightings
  let revoked = 0
  const answers: Json[] = []
  const failures = new Set<string>()
  try {
    for (let round = 1; round <= mostRounds; round += 1) {
      const targets = found.flatMap(({ broker, people }) => people.map((person) => ({ broker, person })))
      failures.clear()
      spin(() => `Ending … ${revoked} ended`)
      await mapWithConcurrency(targets, mostAtOnce, async ({ broker, person }) => {
        const answer = await endOne(broker, person, reason, (count) => {
          revoked += count
        })
        if (answer instanceof Problem) failures.add(`${broker.application}: ${answer.message}`)
        else answers.push({ application: broker.application, subject: person.sub, ...answer })
      })
      spin(() => 'Looking again …')
      found = await lookFor(brokers, who)
      if (liveIn(found) === 0) break
    }
  } finally {
    endSpinner()
  }
  for (const { broker, problem } of found) if (problem) failures.add(`${broker.application}: ${problem.message}`)
  return { revoked, answers, live: liveIn(found), failures: [...failures] }
}

export function liveIn(sightings: readonly Sighting[]): number {
  return sightings.flatMap(({ people }) => people).reduce((sum, { live }) => sum + live, 0)
}

async function endOne(
  broker: OpsBroker,
  { sub }: Person,
  reason: string | undefined,
  counted: (count: number) => void,
): Promise<Json | Problem> {
  try {
    const answer = await sweep(broker, { subject: sub, ...(reason !== undefined && { reason }) }, counted)
    return answer.complete === false ? new Problem('not complete yet') : answer
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}
