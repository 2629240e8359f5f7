/** Ends all sessions of a person, in rounds, until a new search finds none that is live. */

import { mapWithConcurrency } from '../shared/map-with-concurrency.ts'
import type { Json, OpsBroker } from './broker.ts'
import { lookFor, maxConcurrentCalls, type Person, type SearchResult, type Who } from './people.ts'
import { Problem } from './problem.ts'
import { sweep } from './sweep.ts'
import { endSpinner, spin } from './terminal.ts'

/** A person who still has sessions after so many rounds keeps signing in, so their account is still open. */
const maxRounds = 3

export type PersonEnd = {
  readonly revoked: number
  /** The answers of the applications, one for each person there. */
  readonly answers: readonly Json[]
  /** Sessions that are live after the last round. */
  readonly live: number
  /** Applications that could not be searched or swept, in words. */
  readonly failures: readonly string[]
}

/** @param results of the first search */
export async function endPerson(
  brokers: readonly OpsBroker[],
  who: Who,
  results: readonly SearchResult[],
  reason: string | undefined,
): Promise<PersonEnd> {
  let found = results
  let revoked = 0
  const answers: Json[] = []
  const failures = new Set<string>()
  try {
    for (let round = 1; round <= maxRounds; round += 1) {
      const targets = found.flatMap(({ broker, people }) => people.map((person) => ({ broker, person })))
      failures.clear()
      spin(() => `${revoked} ended; waiting half a minute for sign-ins under way …`)
      await mapWithConcurrency(targets, maxConcurrentCalls, async ({ broker, person }) => {
        const answer = await endOne(broker, person, reason, (count) => {
          revoked += count
        })
        if (answer instanceof Problem) failures.add(`${broker.application}: ${answer.message}`)
        else answers.push({ application: broker.application, subject: person.sub, ...answer })
      })
      spin(() => 'Searching again …')
      found = await lookFor(brokers, who)
      if (liveIn(found) === 0) break
    }
  } finally {
    endSpinner()
  }
  for (const { broker, problem } of found) if (problem) failures.add(`${broker.application}: ${problem.message}`)
  return { revoked, answers, live: liveIn(found), failures: [...failures] }
}

export function liveIn(results: readonly SearchResult[]): number {
  return results.flatMap(({ people }) => people).reduce((sum, { live }) => sum + live, 0)
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
