/**
 * A person as ops know them, by `sub` or by e-mail address: who that is at each application, and what of theirs lives.
 *
 * Owns the search, and the hint for whoever found nobody. Must not end anything.
 */

import { mapWithConcurrency } from '../shared/map-with-concurrency.ts'
import type { OpsBroker } from './broker.ts'
import { Problem } from './problem.ts'
import { isLive, type Session, sessionsIn } from './sessions.ts'

export type Who = { readonly subject: string } | { readonly email: string }

export type Person = {
  readonly sub: string
  readonly name?: string | undefined
  readonly email?: string | undefined
  /** How many of their sessions are known, those that have ended included, and how many live. */
  readonly known: number
  readonly live: number
}

/** What one application has of them. */
export type Sighting = {
  readonly broker: OpsBroker
  readonly people: readonly Person[]
  /** Why this application could not be asked; `people` is empty then. */
  readonly problem?: Problem
}

const mostAtOnce = 4
const pageSize = '100'

/** Asks each application; a failure of one does not hide what the others answered. */
export function lookFor(brokers: readonly OpsBroker[], who: Who): Promise<Sighting[]> {
  return mapWithConcurrency(brokers, mostAtOnce, async (broker) => {
    try {
      return { broker, people: await peopleAt(broker, who) }
    } catch (error) {
      if (error instanceof Problem) return { broker, people: [], problem: error }
      throw error
    }
  })
}

/** @throws {Problem} when the application keeps no e-mail addresses but has sessions: the person may have some of them */
async function peopleAt(broker: OpsBroker, who: Who): Promise<Person[]> {
  if ('subject' in who) return grouped(await pagesOf(broker, { subject: who.subject }))
  const found = await pagesOf(broker, { email: who.email })
  // A person may have had another address at an earlier sign-in; their subject is the same.
  const subjects = [...new Set(found.map(({ sub }) => sub).filter((sub) => sub !== undefined))]
  const theirs = await mapWithConcurrency(subjects, 1, (subject) => pagesOf(broker, { subject }))
  return grouped([...found, ...theirs.flat()])
}

async function pagesOf(broker: OpsBroker, filter: Readonly<Record<string, string>>): Promise<Session[]> {
  const sessions: Session[] = []
  let cursor: string | undefined
  do {
    const page = await broker.call('GET', 'sessions', { ...filter, limit: pageSize, ...(cursor && { cursor }) })
    if (page.keeps_email === false && (await hasSessions(broker))) {
      throw new Problem(`${broker.application} keeps no e-mail addresses, so nobody can be found by address there`)
    }
    sessions.push(...sessionsIn(page))
    cursor = typeof page.cursor === 'string' ? page.cursor : undefined
  } while (cursor !== undefined)
  return sessions
}

async function hasSessions(broker: OpsBroker): Promise<boolean> {
  return sessionsIn(await broker.call('GET', 'sessions', { limit: '1' })).length > 0
}

function grouped(sessions: readonly Session[]): Person[] {
  const bySid = new Map(sessions.map((session) => [session.sid, session]))
  const people = Map.groupBy(bySid.values(), ({ sub }) => sub ?? '')
  return [...people].map(([sub, theirs]) => ({
    sub,
    name: theirs.find(({ name }) => name !== undefined)?.name,
    email: theirs.find(({ email }) => email !== undefined)?.email,
    known: theirs.length,
    live: theirs.filter(isLive).length,
  }))
}

/** What to say when nothing was found anywhere. */
export async function nobody(brokers: readonly OpsBroker[], who: Who): Promise<Problem> {
  const where = brokers.length === 1 ? brokers[0]!.application : 'any application'
  if ('email' in who) {
    return new Problem(
      `There is no session of ${who.email} at ${where}.`,
      undefined,
      `People are found by the address that they had when they signed in. By name: token-broker sessions list --name …${elsewhere(brokers)}`,
    )
  }
  const near = await nearest(brokers, who.subject)
  return new Problem(
    `There is no session of the subject ${who.subject} at ${where}.`,
    undefined,
    near + elsewhere(brokers),
  )
}

function elsewhere(brokers: readonly OpsBroker[]): string {
  return brokers.length === 1 ? '\nOnly this application was searched; --all-applications searches every one.' : ''
}

/** Looks for a similar name, address or subject among the newest sessions. */
async function nearest(brokers: readonly OpsBroker[], subject: string): Promise<string> {
  const pages = await mapWithConcurrency(brokers, mostAtOnce, (broker) =>
    broker.call('GET', 'sessions', { name: subject, limit: pageSize }),
  )
  const people = grouped(pages.flatMap(sessionsIn))
  const sameButForCase = people.find(({ sub }) => sub.toLowerCase() === subject.toLowerCase())
  if (sameButForCase !== undefined) return `There is a subject ${sameButForCase.sub}; subjects are case-sensitive.`
  const [called] = people
  if (called !== undefined)
    return `There is ${[called.name, called.email].filter(Boolean).join(', ')}: --subject ${called.sub}`
  return 'A subject is the `sub` of the tokens. By e-mail address: --email; by name: token-broker sessions list --name …'
}
