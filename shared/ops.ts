/**
 * What the functions of ops work with, beside what every function does.
 *
 * Owns which parts those are. They are not among the broker's own (shared/broker.ts), so that no other function has to
 * load them.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { broker } from './broker.ts'
import { createRegistered, type Registered } from './store/registered.ts'
import { createSessions, type Sessions } from './store/sessions.ts'
import type { Patience } from './store/sweep.ts'

export type Ops = { readonly sessions: Sessions; readonly registered: Registered }

export function ops(): Ops {
  const { table, registrations } = broker()
  return { sessions: createSessions(table), registered: createRegistered(table, registrations) }
}

/** A sweep waits for the index, and time has to go by for that; so it is not the clock that tests may have stopped. */
export const patience: Patience = { now: Date.now, pause }
