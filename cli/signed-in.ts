/**
 * Which of the sessions of this machine is meant.
 *
 * Owns the options that choose one. Must not know how sessions are kept or refreshed.
 */

import type { Input, Options } from './arguments.ts'
import type { StoredSession } from './credentials-file.ts'
import { exitCodes, Problem, UsageProblem } from './problem.ts'
import { brokerOptions, givenApplication, urlFrom } from './settings.ts'

export const sessionOptions: Options = {
  ...brokerOptions,
  'client-id': { takes: 'ID', says: 'else TOKEN_BROKER_CLIENT_ID; needed only where there are several sessions' },
}

export type Chosen = (session: StoredSession) => boolean

/** By what was said, in options or in the environment; what was not said fits all. */
export function choiceOf(input: Input): Chosen {
  const url = input.text('url') || process.env.TOKEN_BROKER_URL ? urlFrom(input) : undefined
  const [application, clientId] = [givenApplication(input), clientIdFrom(input)]
  return ({ issuer, clientId: id }) =>
    (url === undefined || issuer.startsWith(`${url}/`)) &&
    (application === undefined || issuer.endsWith(`/${encodeURIComponent(application)}`)) &&
    (clientId === undefined || id === clientId)
}

export function clientIdFrom(input: Input): string | undefined {
  return input.text('client-id') || process.env.TOKEN_BROKER_CLIENT_ID || undefined
}

/** @throws {Problem} when there is none, or more than one */
export function theOne(sessions: readonly StoredSession[], isMeant: Chosen): StoredSession {
  const [found, ...others] = sessions.filter(isMeant)
  if (found === undefined) throw notSignedIn('You are not signed in.')
  if (others.length === 0) return found
  const each = [found, ...others].map(({ issuer, clientId }) => `  ${issuer} as ${clientId}`)
  throw new UsageProblem(
    ['There are several sessions:', ...each].join('\n'),
    '--url, --application and --client-id say which one is meant.',
  )
}

export function notSignedIn(message: string): Problem {
  return new Problem(message, exitCodes.notSignedIn, 'token-broker login')
}

export function same(one: StoredSession, other: StoredSession): boolean {
  return one.issuer === other.issuer && one.clientId === other.clientId
}
