/** Finds a person by `sub` or e-mail address at one or all applications. */

import { mapWithConcurrency } from '../shared/map-with-concurrency.ts'
import type { OpsBroker } from './broker.ts'
import { Problem } from './problem.ts'
import { programName } from './program-name.ts'
import { isLive, pagesOf, type Session, sessionsIn } from './sessions.ts'

export type Who = { readonly subject: string } | { readonly email: string }

export type Person = {
  readonly sub: string
  readonly name?: string | undefined
  readonly email?: string | undefined
  /** Number of sessions: all, and those that can still be used. */
  readonly known: number
  readonly live: number
}

/** The result of the search at one application. */
export type SearchResult = {
  readonly broker: OpsBroker
  readonly people: readonly Person[]
  /** Why the search failed; `people` is empty then. */
  readonly problem?: Problem
}

/** Calls to the broker at the same time. */
export const maxConcurrentCalls = 4
const pageSize = '100'

/** Asks each application. If one fails, the others still answer. */
export function lookFor(brokers: readonly OpsBroker[], who: Who): Promise<SearchResult[]> {
  return mapWithConcurrency(brokers, maxConcurrentCalls, async (broker) => {
    try {
      return { broker, people: await peopleAt(broker, who) }
    } catch (error) {
      if (error instanceof Problem) return { broker, people: [], problem: error }
      throw error
    }
  })
}

/** @throws {Problem} when the application keeps no e-mail addresses but has sessions, which could be the person's */
async function peopleAt(broker: OpsBroker, who: Who): Promise<Person[]> {
  if ('subject' in who) return grouped(await sessionsOf(broker, { subject: who.subject }))
  const found = await sessionsOf(broker, { email: who.email })
  // The address may have changed between sign-ins; the subject has not.
  const subjects = [...new Set(found.map(({ sub }) => sub).filter((sub) => sub !== undefined))]
  const theirs = await mapWithConcurrency(subjects, 1, (subject) => sessionsOf(broker, { subject }))
  return grouped([...found, ...theirs.flat()])
}

async function sessionsOf(broker: OpsBroker, filter: Readonly<Record<string, string>>): Promise<Session[]> {
  const sessions: Session[] = []
  for await (const page of pagesOf(broker, { ...filter, limit: pageSize })) {
    if (page.keeps_email === false && (await hasSessions(broker))) {
      throw new Problem(`${broker.application} keeps no e-mail addresses; pass --subject to find a person there`)
    }
    sessions.push(...sessionsIn(page))
  }
  return sessions
}

async function hasSessions(broker: OpsBroker): Promise<boolean> {
  return sessionsIn(await broker.call('GET', 'sessions', { limit: '1' })).length > 0
}

function grouped(sessions: readonly Session[]): Person[] {
  const bySid = new Map(sessions.map((session) => [session.sid, session]))
  const subjects = [...new Set([...bySid.values()].map(({ sub = '' }) => sub))]
  return subjects.map((sub) => {
    const theirs = [...bySid.values()].filter((session) => (session.sub ?? '') === sub)
    return {
      sub,
      name: theirs.find(({ name }) => name !== undefined)?.name,
      email: theirs.find(({ email }) => email !== undefined)?.email,
      known: theirs.length,
      live: theirs.filter(isLive).length,
    }
  })
}

/** The error when no application found the person. */
export async function notFound(brokers: readonly OpsBroker[], who: Who): Promise<Problem> {
  const where = brokers.length === 1 ? brokers[0]!.application : 'any application'
  if ('email' in who) {
    return new Problem(
      `There is no session of ${who.email} at ${where}.`,
      undefined,
      `People are found by the address that they had when they signed in. To search by name: ${programName} sessions list --name …${elsewhere(brokers)}`,
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
  return brokers.length === 1 ? '\nOnly this application was searched; --all-applications searches all of them.' : ''
}

/** Looks for a similar name, address or subject among the newest sessions. */
async function nearest(brokers: readonly OpsBroker[], subject: string): Promise<string> {
  const pages = await mapWithConcurrency(brokers, maxConcurrentCalls, (broker) =>
    broker.call('GET', 'sessions', { name: subject, limit: pageSize }),
  )
  const people = grouped(pages.flatMap(sessionsIn))
  const differsInCase = people.find(({ sub }) => sub.toLowerCase() === subject.toLowerCase())
  if (differsInCase !== undefined) return `There is a subject ${differsInCase.sub}; subjects are case-sensitive.`
  const [similar] = people
  if (similar !== undefined) {
    return `Did you mean ${[similar.name, similar.email].filter(Boolean).join(', ')}? --subject ${similar.sub}`
  }
  return `A subject is the \`sub\` of the tokens. To search by e-mail address: --email; by name: ${programName} sessions list --name …`
}
