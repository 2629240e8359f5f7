/** `token-broker use` */

import type { Command } from 'commander'
import {
  changeSessions,
  credentialsPath,
  readSessions,
  type Sessions,
  type StoredSession,
} from '../credentials-file.ts'
import { UsageProblem } from '../problem.ts'
import { programName } from '../program-name.ts'
import { duration } from '../relative-time.ts'
import { type JsonFlag, urlFrom } from '../settings.ts'
import { applicationOf, baseOf, nameOf, notSignedIn, same } from '../signed-in.ts'
import { type Cell, type Column, printTable } from '../table.ts'
import { print, printJson, say } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: ' ' },
  { title: 'SESSION' },
  { title: 'PERSON', minWidth: 10 },
  { title: 'BROKER', minWidth: 20, dropOrder: 1 },
  { title: 'STATE' },
]

type Settings = JsonFlag & { readonly url?: string }

export function define(command: Command): void {
  command
    .argument('[application/client]')
    .option('--url <url>', 'URL of the broker, if two brokers have a session of that name')
    .addHelpText(
      'after',
      `
Without a name, lists the sessions. With a name, makes that session the default of token and logout. Their options and the
variables TOKEN_BROKER_URL, TOKEN_BROKER_APPLICATION and TOKEN_BROKER_CLIENT_ID override the default.`,
    )
    .action(use)
}

async function use(name: string | undefined, settings: Settings): Promise<void> {
  const path = credentialsPath()
  if (name === undefined) return list(await readSessions(path), settings.json === true)
  const url = settings.url === undefined ? undefined : urlFrom(settings)
  await changeSessions(path, async ({ stored, write }) => {
    const { issuer, clientId } = named(stored.sessions, name, url)
    await write({ ...stored, default: { issuer, clientId } })
    if (settings.json) printJson({ issuer, client_id: clientId, default: true })
    else print(`The default session is now ${nameOf({ issuer, clientId })}.`)
  })
}

/** @throws {Problem} */
function named(sessions: readonly StoredSession[], name: string, url: string | undefined): StoredSession {
  const isNamed = (session: StoredSession) => name === nameOf(session) || name === session.clientId
  const [found, ...others] = sessions.filter(
    (session) => isNamed(session) && (url === undefined || baseOf(session) === url),
  )
  if (found === undefined)
    throw notSignedIn(`There is no session ${name} here.`, `To list the sessions: ${programName} use`)
  if (others.length === 0) return found
  const each = [found, ...others].map((session) => `  ${nameOf(session)} at ${baseOf(session)}`)
  throw new UsageProblem(
    ['There are several sessions of that name:', ...each].join('\n'),
    'Add the application, or pass --url.',
  )
}

function list({ sessions, default: preferred }: Sessions, isJson: boolean): void {
  const isDefault = (session: StoredSession) =>
    sessions.length === 1 || (preferred !== undefined && same(session, preferred))
  if (isJson) {
    printJson({ sessions: sessions.map((session) => inJson(session, isDefault(session))) })
    return
  }
  if (sessions.length === 0) {
    say(`There are no sessions. To sign in: ${programName} login`, 'dim')
    return
  }
  const rows = sessions.map((session): Cell[] => [
    isDefault(session) ? '*' : ' ',
    nameOf(session),
    session.sub ?? '–',
    baseOf(session),
    stateOf(session),
  ])
  printTable(columns, rows)
}

function stateOf({ ended, endsAtSeconds }: StoredSession): Cell {
  if (ended !== undefined) return { text: 'ended', as: 'red' }
  if (endsAtSeconds === undefined) return 'signed in'
  const leftSeconds = endsAtSeconds - Date.now() / 1000
  return leftSeconds > 0 ? `ends in ${duration(leftSeconds)}` : { text: 'ended', as: 'red' }
}

/** Without tokens. */
function inJson(session: StoredSession, isDefault: boolean): object {
  const { issuer, clientId, sub, scope, endsAtSeconds, ended } = session
  return {
    issuer,
    application: applicationOf(session),
    client_id: clientId,
    sub,
    scope,
    default: isDefault,
    ends_at: endsAtSeconds === undefined ? undefined : new Date(endsAtSeconds * 1000).toISOString(),
    ended: ended?.why,
  }
}
