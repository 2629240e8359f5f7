/** Selects a session of this machine: by options, by the environment, or the default one. */

import { type Command, Option } from 'commander'
import type { SessionClient, SessionKey, Sessions, StoredSession } from './credentials-file.ts'
import type { Caller } from './oauth.ts'
import { exitCodes, Problem, UsageProblem } from './problem.ts'
import { programName } from './program-name.ts'
import { type BrokerSettings, givenApplication, localUrl, urlFrom, withBroker } from './settings.ts'
import { plain } from './terminal.ts'
import { workload } from './workload.ts'

/** Selects one session. Missing or empty members match every session. */
export type SessionSelector = BrokerSettings & { readonly clientId?: string }

export function withSession(command: Command, clientIdIfNotSet = 'that of the default session'): Command {
  return withBroker(command).addOption(
    new Option('--client-id <id>', `client, ${clientIdIfNotSet} if not set`).env('TOKEN_BROKER_CLIENT_ID'),
  )
}

/**
 * The session that the options and the environment select. If several match, the default one among them.
 *
 * @throws {Problem} when none matches, or several do and none of them is the default
 */
export function selectSession({ sessions, default: preferred }: Sessions, settings: SessionSelector): StoredSession {
  const application = givenApplication(settings)
  const asked: SessionSelector = {
    ...(settings.clientId && { clientId: settings.clientId }),
    ...(settings.url && { url: urlFrom(settings) }),
    ...(application && { application }),
  }
  const found = sessions.filter((session) => fits(session, asked))
  const chosen = found.length === 1 ? found[0] : found.find((session) => preferred && same(session, preferred))
  if (chosen !== undefined) return chosen
  if (found.length === 0) throw notSignedIn('You are not signed in.', loginCommand(asked))
  throw new UsageProblem(
    ['There are several sessions:', ...found.map((session) => `  ${nameOf(session)} at ${baseOf(session)}`)].join('\n'),
    `Pass --application, --client-id or --url, or choose a default: ${programName} use <application>/<client>`,
  )
}

function fits(session: SessionKey, { url, application, clientId }: SessionSelector): boolean {
  return (
    (url === undefined || baseOf(session) === url) &&
    (application === undefined || applicationOf(session) === application) &&
    (clientId === undefined || session.clientId === clientId)
  )
}

/** `demo/job`: the name of a session for people and for `use`. */
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

/** The client of a session, as it authenticates. */
export function callerOf({ issuer, clientId, workload: platform, workloadAudience }: SessionClient): Caller {
  if (platform === undefined) return { clientId }
  return workload(clientId, platform, issuer, { ...(workloadAudience !== undefined && { workloadAudience }) })
}

export function same(one: SessionKey, other: SessionKey): boolean {
  return one.issuer === other.issuer && one.clientId === other.clientId
}

/** The command that signs in to this session again, whatever the environment says. */
export function loginAgain(session: SessionClient): string {
  const { clientId, workload, workloadAudience } = session
  const names = { url: baseOf(session), application: applicationOf(session), clientId }
  return loginCommand(names, { workload, 'workload-audience': workloadAudience })
}

function loginCommand(
  { url, application, clientId }: SessionSelector,
  more: Readonly<Record<string, string | undefined>> = {},
): string {
  const options = { url: url === localUrl ? undefined : url, application, 'client-id': clientId, ...more }
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${plain(value)}`],
  )
  return [`${programName} login`, ...words].join(' ')
}

/** @param hint the command that signs in */
export function notSignedIn(message: string, hint: string): Problem {
  return new Problem(message, exitCodes.notSignedIn, hint)
}
