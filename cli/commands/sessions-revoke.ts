/** `token-broker sessions revoke`: ends one session, or those of a person, of a client, or of an application. */

import type { Command } from 'commander'
import { callForSession, type Json, notABroker, type OpsBroker, opsBroker, opsBrokers } from '../broker.ts'
import { lookFor, notFound, type SearchResult, type Who } from '../people.ts'
import { endPerson, liveIn, type PersonEnd } from '../person-end.ts'
import { exitCodes, Problem, UsageProblem } from '../problem.ts'
import { programName } from '../program-name.ts'
import { byTheClock, relative } from '../relative-time.ts'
import { personOf, type Session, sessionsIn } from '../sessions.ts'
import { type Everywhere, type JsonFlag, type OpsSettings, withEverywhere, withOps } from '../settings.ts'
import { sweep } from '../sweep.ts'
import { askUnlessYes, plain, print, printJson } from '../terminal.ts'

const maxCounted = 100

type Settings = OpsSettings & Everywhere & JsonFlag & Targets
type Targets = {
  readonly subject?: string
  readonly email?: string
  readonly client?: string
  readonly all?: true
  readonly reason?: string
  readonly yes?: true
}

export function define(command: Command): void {
  withEverywhere(withOps(command.argument('[sid]')))
    .option('--subject <sub>', 'all sessions of a person, by the `sub` of their tokens')
    .option('--email <address>', 'all sessions of a person, by the address of their sign-in')
    .option('--client <client_id>', 'all sessions of a client')
    .option('--all', 'all sessions of the application')
    .option('--reason <text>', 'reason for the audit log')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
An ended session does not refresh, and userinfo and introspection refuse its tokens. Resource servers that check access
tokens by themselves accept them until they expire.
The sessions of a person are ended in rounds until none is live. Exit code 5 means that some still are. A round takes half a
minute, until no sign-in that began before can still be under way. Close the account at the identity provider first: until
then the person can sign in again.

Examples:
  ${programName} sessions revoke --email ada@example.com --all-applications --reason "has left"
  ${programName} sessions revoke --application billing --client nightly --reason "key leaked"`,
    )
    .action(revoke)
}

async function revoke(sid: string | undefined, settings: Settings): Promise<void> {
  const target = targetFrom(sid, settings)
  if ('who' in target) return revokePerson(settings, target.who)
  if (settings.allApplications) throw new UsageProblem('--all-applications needs --subject or --email.')
  const broker = opsBroker(settings)
  await askUnlessYes(settings, `End ${nameOf(target, broker)}?`, () => preview(broker, target))
  const answer = await end(broker, target, settings.reason)
  if ('sid' in target && typeof answer.revoked !== 'number') {
    throw notABroker('The broker did not say whether the session has ended.')
  }
  if (settings.json) printJson(answer)
  else print(outcome(target, broker, answer))
  if (answer.complete === false) throw unfinished('The revocation is not complete yet.')
}

type Target = { readonly sid: string } | { readonly client_id: string } | { readonly all: true }

function targetFrom(
  sid: string | undefined,
  { subject, email, client, all }: Settings,
): Target | { readonly who: Who } {
  const targets = [
    ...(sid === undefined ? [] : [{ sid }]),
    ...(subject === undefined ? [] : [{ who: { subject } }]),
    ...(email === undefined ? [] : [{ who: { email } }]),
    ...(client === undefined ? [] : [{ client_id: client }]),
    ...(all ? [{ all: true } as const] : []),
  ]
  if (targets.length !== 1) {
    throw new UsageProblem('Pass exactly one of <sid>, --subject, --email, --client or --all to say what to revoke.')
  }
  return targets[0]!
}

function unfinished(message: string, hint = 'Run the same command again to continue.'): Problem {
  return new Problem(message, exitCodes.unfinished, hint)
}

// --- a person ---------------------------------------------------------------------------------------------------------

async function revokePerson(settings: Settings, who: Who): Promise<void> {
  const brokers = await opsBrokers(settings)
  const results = await lookFor(brokers, who)
  const people = results.flatMap((result) => result.people)
  if (people.length === 0) {
    const [problem] = results.flatMap((result) => result.problem ?? [])
    throw problem ?? (await notFound(brokers, who))
  }
  const name = 'subject' in who ? who.subject : who.email
  const where = brokers.length === 1 ? brokers[0]!.application : 'all applications'
  await askUnlessYes(settings, `End all sessions of ${plain(name)} at ${where}?`, () => peopleOf(results))
  const end = await endPerson(brokers, who, results, settings.reason)
  if (settings.json) printJson(inJson(end))
  else print(outcomeForPerson(end))
  if (end.failures.length > 0) throw unfinished(['Not all sessions have ended:', ...end.failures].join('\n'))
  if (end.live > 0) {
    throw unfinished(
      `Sessions that are still live: ${end.live}. The person keeps signing in.`,
      'Close the account at the identity provider, then run the same command again.',
    )
  }
}

function peopleOf(results: readonly SearchResult[]): string {
  const lines = results.flatMap(({ broker, people, problem }) => [
    ...people.map(
      (person) => `  ${broker.application}: ${plain(personOf(person))}, ${person.live} live of ${person.known}`,
    ),
    ...(problem === undefined ? [] : [`  ${problem.message}`]),
  ])
  return [`Live sessions: ${liveIn(results)}`, ...lines].join('\n')
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

function outcomeForPerson(end: PersonEnd): string {
  const { access_tokens_until: until } = inJson(end) as Json
  const revoked =
    end.revoked === 0 ? 'All sessions of the person had ended already.' : `Sessions revoked: ${end.revoked}.`
  const proof = end.live === 0 && end.failures.length === 0 ? ' A new search found no live session.' : ''
  return `${revoked}${proof}${end.revoked === 0 ? '' : accessTokens(until)}`
}

// --- one, a client's, all ---------------------------------------------------------------------------------------------

function end(broker: OpsBroker, target: Target, reason: string | undefined): Promise<Json> {
  const why: Record<string, string> = reason === undefined ? {} : { reason }
  return 'sid' in target
    ? callForSession(broker, 'DELETE', target.sid, why)
    : sweep(broker, { ...target, ...why }, () => {})
}

async function preview(broker: OpsBroker, target: Target): Promise<string> {
  if ('sid' in target) {
    const { session } = await callForSession(broker, 'GET', target.sid)
    const { client_id, state, created_at } = session as Session
    return plain(`${personOf(session as Session)} at ${client_id}, ${state}, began ${relative(created_at, Date.now())}`)
  }
  const filter: Record<string, string> = 'client_id' in target ? { client_id: target.client_id } : {}
  const page = await broker.call('GET', 'sessions', { ...filter, state: 'active', limit: String(maxCounted) })
  const count = sessionsIn(page).length
  return typeof page.cursor === 'string' ? `More than ${count} sessions are active.` : `Active sessions: ${count}`
}

function nameOf(target: Target, { application }: OpsBroker): string {
  if ('sid' in target) return 'this session'
  if ('client_id' in target) return `all sessions of the client ${plain(target.client_id)} of ${application}`
  return `ALL sessions of ${application}`
}

function outcome(target: Target, broker: OpsBroker, answer: Json): string {
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

/** Resource servers that do not use introspection accept access tokens until they expire. */
function accessTokens(until: unknown): string {
  if (typeof until !== 'string' || Date.parse(until) <= Date.now()) return ''
  return `\nThe last access tokens expire by ${byTheClock(until, Date.now())}.`
}
