/**
 * Which of the sessions of this machine is meant: by options, by the environment, or by default.
 */

import type { Input, Options } from './arguments.ts'
import type { SessionKey, Sessions, StoredSession } from './credentials-file.ts'
import { exitCodes, Problem, UsageProblem } from './problem.ts'
import { brokerOptions, givenApplication, localUrl, urlFrom } from './settings.ts'
import { plain } from './terminal.ts'

export const sessionOptions: Options = {
  ...brokerOptions,
  'client-id': { takes: 'ID', says: 'else TOKEN_BROKER_CLIENT_ID, else that of the default session' },
}

type Asked = { readonly url?: string; readonly application?: string; readonly clientId?: string }

export function clientIdFrom(input: Input): string | undefined {
  return input.text('client-id') || process.env.TOKEN_BROKER_CLIENT_ID || undefined
}

/**
 * The session that the options and the environment name; where they fit several, the default among these.
 *
 * @throws {Problem} when there is none, or no telling which
 */
export function theOne({ sessions, default: preferred }: Sessions, input: Input): StoredSession {
  const asked = askedFor(input)
  const found = sessions.filter((session) => fits(session, asked))
  const chosen = found.length === 1 ? found[0] : found.find((session) => preferred && same(session, preferred))
  if (chosen !== undefined) return chosen
  if (found.length === 0) throw notSignedIn('You are not signed in.', loginCommand(asked))
  throw new UsageProblem(
    ['There are several sessions:', ...found.map((session) => `  ${nameOf(session)} at ${baseOf(session)}`)].join('\n'),
    'Say which one with --application, --client-id and --url, or choose a default: token-broker use <application>/<client>',
  )
}

function askedFor(input: Input): Asked {
  const url = input.text('url') || process.env.TOKEN_BROKER_URL ? urlFrom(input) : undefined
  const [application, clientId] = [givenApplication(input), clientIdFrom(input)]
  return { ...(url && { url }), ...(application && { application }), ...(clientId && { clientId }) }
}

function fits(session: SessionKey, { url, application, clientId }: Asked): boolean {
  return (
    (url === undefined || baseOf(session) === url) &&
    (application === undefined || applicationOf(session) === application) &&
    (clientId === undefined || session.clientId === clientId)
  )
}

/** `demo/job`: what people call a session, and `use` understands. */
export function nameOf(session: SessionKey): string {
  return plain(`${applicationOf(session)}/${session.clientId}`)
}

/** The issuer without the application. */
export function baseOf({ issuer }: SessionKey): string {
  return issuer.slice(0, issuer.lastIndexOf('/'))
}

export function applicationOf({ issuer }: SessionKey): string {
  return decodeURIComponent(issuer.slice(issuer.lastIndexOf('/') + 1))
}

export function same(one: SessionKey, other: SessionKey): boolean {
  return one.issuer === other.issuer && one.clientId === other.clientId
}

/** The command that signs in to this session again. It names everything, so it works in any environment. */
export function loginAgain(session: SessionKey): string {
  return loginCommand({ url: baseOf(session), application: applicationOf(session), clientId: session.clientId })
}

function loginCommand({ url, application, clientId }: Asked): string {
  const options = { url: url === localUrl ? undefined : url, application, 'client-id': clientId }
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${plain(value)}`],
  )
  return ['token-broker login', ...words].join(' ')
}

/** @param hint the command that signs in */
export function notSignedIn(message: string, hint: string): Problem {
  return new Problem(message, exitCodes.notSignedIn, hint)
}
