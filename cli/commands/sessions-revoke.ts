/**
 * `token-broker sessions revoke`: ends one session, or a person's, a client's, or all of an application.
 *
 * Owns the question before it and what is said after it: how many, from when on it is sure, and what lives on. How a
 * person's sessions end is cli/person-end.ts's. Repeating is harmless, so whatever interrupts it, the same again goes on.
 */

import type { Input } from '../arguments.ts'
import { callForSession, type Json, type OpsBroker, opsBroker, opsBrokers } from '../broker.ts'
import type { Command } from '../command.ts'
import { lookFor, nobody, type Sighting, type Who } from '../people.ts'
import { endPerson, liveIn, type PersonEnd } from '../person-end.ts'
import { exitCodes, Problem, UsageProblem } from '../problem.ts'
import { byTheClock, relative } from '../relative-time.ts'
import { personOf, type Session, sessionsIn } from '../sessions.ts'
import { everywhereOption, opsOptions } from '../settings.ts'
import { sweep } from '../sweep.ts'
import { confirm, hasPerson, plain, print, printJson, say } from '../terminal.ts'

const mostCounted = 100

export const command: Command = {
  says: 'Ends sessions: they refresh no more, and userinfo and introspection do not know them.',
  words: ['[sid]'],
  options: {
    ...opsOptions,
    ...everywhereOption,
    subject: { takes: 'SUB', says: 'all of this person, by the `sub` of their tokens' },
    email: { takes: 'ADDRESS', says: 'all of whoever signed in with this address' },
    client: { takes: 'CLIENT_ID', says: 'all of this client' },
    all: { says: 'all of the application' },
    reason: { takes: 'TEXT', says: 'why, for the audit log' },
    yes: { says: 'do not ask' },
  },
  notes: [
    'A person’s sessions end in rounds until nothing of theirs lives; exit code 5 if something still does. Close their account at the identity provider first: until then they can sign in again.',
    'Access tokens that are out live on until they expire, at resource servers that do not ask.',
    'token-broker sessions revoke --email ada@example.com --all-applications --reason "has left"',
    'token-broker sessions revoke --application billing --client nightly --reason "key leaked"',
  ],
  run: async (input) => {
    const target = targetFrom(input)
    if ('who' in target) return revokePerson(input, target.who)
    if (input.flag('all-applications')) throw new UsageProblem('--all-applications goes with --subject or --email.')
    const broker = await opsBroker(input)
    if (!input.flag('yes')) await ask(`End ${nameOf(target, broker)}?`, () => outlook(broker, target))
    const answer = await end(broker, target, input.text('reason'))
    if (input.flag('json')) printJson(answer)
    else print(told(target, broker, answer))
    if (answer.complete === false) throw unfinished('It is not complete yet.')
  },
}

type Target = { readonly sid: string } | { readonly client_id: string } | { readonly all: true }

function targetFrom(input: Input): Target | { readonly who: Who } {
  const [sid] = input.words
  const [subject, email, client] = [input.text('subject'), input.text('email'), input.text('client')]
  const targets = [
    ...(sid === undefined ? [] : [{ sid }]),
    ...(subject === undefined ? [] : [{ who: { subject } }]),
    ...(email === undefined ? [] : [{ who: { email } }]),
    ...(client === undefined ? [] : [{ client_id: client }]),
    ...(input.flag('all') ? [{ all: true } as const] : []),
  ]
  if (targets.length !== 1) {
    throw new UsageProblem('Name what to revoke: one <sid>, --subject, --email, --client or --all.')
  }
  return targets[0]!
}

function unfinished(message: string, hint = 'Run the same command again; what is done stays done.'): Problem {
  return new Problem(message, exitCodes.unfinished, hint)
}

/** Says what it is about to end, and asks. @throws {Problem} when the answer is no, or nobody is there to ask */
async function ask(question: string, outlook: () => string | Promise<string>): Promise<void> {
  if (!hasPerson()) throw new UsageProblem('There is no terminal to ask on. Pass --yes to go ahead.')
  say(await outlook())
  if (!(await confirm(question))) throw new Problem('Nothing was revoked.')
}

// --- a person ---------------------------------------------------------------------------------------------------------

async function revokePerson(input: Input, who: Who): Promise<void> {
  const brokers = await opsBrokers(input)
  const sightings = await lookFor(brokers, who)
  const people = sightings.flatMap((sighting) => sighting.people)
  if (people.length === 0) {
    const [problem] = sightings.flatMap((sighting) => sighting.problem ?? [])
    throw problem ?? (await nobody(brokers, who))
  }
  const name = 'subject' in who ? who.subject : who.email
  const where = brokers.length === 1 ? brokers[0]!.application : 'all applications'
  if (!input.flag('yes')) await ask(`End all sessions of ${plain(name)} at ${where}?`, () => peopleOf(sightings))
  const end = await endPerson(brokers, who, sightings, input.text('reason'))
  if (input.flag('json')) printJson(inJson(end))
  else print(toldOfPerson(end))
  if (end.failures.length > 0) throw unfinished(['Not everything has ended:', ...end.failures].join('\n'))
  if (end.live > 0) {
    throw unfinished(
      `Sessions that are still alive: ${end.live}. The person keeps signing in.`,
      'Close the account at the identity provider, then run the same command again.',
    )
  }
}

function peopleOf(sightings: readonly Sighting[]): string {
  const lines = sightings.flatMap(({ broker, people, problem }) => [
    ...people.map(
      (person) => `  ${broker.application}: ${plain(personOf(person))}, ${person.live} live of ${person.known}`,
    ),
    ...(problem === undefined ? [] : [`  ${problem.message}`]),
  ])
  return [`Sessions that live: ${liveIn(sightings)}`, ...lines].join('\n')
}

function inJson({ revoked, answers, live, failures }: PersonEnd): object {
  const latest = (member: string) =>
    answers
      .map((answer) => answer[member])
      .filter((moment) => typeof moment === 'string')
      .sort()
      .at(-1)
  return {
    revoked,
    live,
    complete: live === 0 && failures.length === 0,
    effective_at: latest('effective_at'),
    access_tokens_until: latest('access_tokens_until'),
    applications: answers,
    ...(failures.length > 0 && { failures }),
  }
}

function toldOfPerson(end: PersonEnd): string {
  const { access_tokens_until: until } = inJson(end) as Json
  const revoked = end.revoked === 0 ? 'All of their sessions had ended already.' : `Sessions revoked: ${end.revoked}.`
  const proof = end.live === 0 && end.failures.length === 0 ? ' Looked again: nothing of theirs lives.' : ''
  return `${revoked}${proof}${end.revoked === 0 ? '' : accessTokens(until)}`
}

// --- one, a client's, all ---------------------------------------------------------------------------------------------

function end(broker: OpsBroker, target: Target, reason: string | undefined): Promise<Json> {
  const why: Record<string, string> = reason === undefined ? {} : { reason }
  return 'sid' in target
    ? callForSession(broker, 'DELETE', target.sid, why)
    : sweep(broker, { ...target, ...why }, () => {})
}

async function outlook(broker: OpsBroker, target: Target): Promise<string> {
  if ('sid' in target) {
    const { session } = await callForSession(broker, 'GET', target.sid)
    const { client_id, state, created_at } = session as Session
    return plain(`${personOf(session as Session)} at ${client_id}, ${state}, began ${relative(created_at, Date.now())}`)
  }
  const filter: Record<string, string> = 'client_id' in target ? { client_id: target.client_id } : {}
  const page = await broker.call('GET', 'sessions', { ...filter, state: 'active', limit: String(mostCounted) })
  const count = sessionsIn(page).length
  return typeof page.cursor === 'string' ? `More than ${count} sessions are active.` : `Active sessions: ${count}`
}

function nameOf(target: Target, { application }: OpsBroker): string {
  if ('sid' in target) return 'this session'
  if ('client_id' in target) return `all sessions of the client ${plain(target.client_id)} of ${application}`
  return `ALL sessions of ${application}`
}

function told(target: Target, broker: OpsBroker, answer: Json): string {
  const { revoked, effective_at: effective, access_tokens_until: until, session } = answer
  const when = typeof effective === 'string' ? ` In effect everywhere ${inWords(effective)}.` : ''
  if ('sid' in target) {
    const { state } = (session ?? {}) as Partial<Session>
    const ended = `It had ended already${state === undefined ? '' : ` (${plain(state)})`}.`
    return (revoked === 0 ? ended : `Revoked.${when}`) + accessTokens(until)
  }
  const what = nameOf(target, broker)
  return `${what[0]!.toUpperCase()}${what.slice(1)} that began before now are revoked.${when}${accessTokens(until)}`
}

function inWords(effective: string): string {
  const ms = Date.parse(effective) - Date.now()
  return ms <= 0 ? 'now' : `from ${effective} (${relative(effective, Date.now())})`
}

/** What lives on for a while, wherever nobody asks introspection. */
function accessTokens(until: unknown): string {
  if (typeof until !== 'string' || Date.parse(until) <= Date.now()) return ''
  return `\nAccess tokens that are out end by ${byTheClock(until, Date.now())}.`
}
