/**
 * `token-broker use`: lists the sessions of this machine, and chooses the one that `token` takes where nothing else is said.
 */

import type { Command } from '../command.ts'
import {
  changeSessions,
  credentialsPath,
  readSessions,
  type Sessions,
  type StoredSession,
} from '../credentials-file.ts'
import { UsageProblem } from '../problem.ts'
import { duration } from '../relative-time.ts'
import { applicationOf, baseOf, nameOf, notSignedIn, same } from '../signed-in.ts'
import { type Cell, type Column, createTable } from '../table.ts'
import { print, printJson, say, terminalWidth } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: ' ' },
  { title: 'SESSION' },
  { title: 'PERSON', least: 10 },
  { title: 'BROKER', least: 20, dispensable: 1 },
  { title: 'STATE' },
]

export const command: Command = {
  says: 'Lists the sessions of this machine. With a name, makes that one the default of `token` and `logout`.',
  words: ['[application/client]'],
  options: { url: { takes: 'URL', says: 'the broker, where two have a session of that name' } },
  notes: [
    'Options and the variables TOKEN_BROKER_URL, TOKEN_BROKER_APPLICATION and TOKEN_BROKER_CLIENT_ID count more.',
  ],
  run: async (input) => {
    const path = credentialsPath()
    const [name] = input.words
    if (name === undefined) {
      list(await readSessions(path), input.flag('json'))
      return
    }
    const url = input.text('url')?.replace(/\/+$/, '')
    await changeSessions(path, async ({ stored, write }) => {
      const { issuer, clientId } = named(stored.sessions, name, url)
      await write({ ...stored, default: { issuer, clientId } })
      if (input.flag('json')) printJson({ issuer, client_id: clientId, default: true })
      else print(`\`token-broker token\` takes ${nameOf({ issuer, clientId })} from now on.`)
    })
  },
}

/** @throws {Problem} */
function named(sessions: readonly StoredSession[], name: string, url: string | undefined): StoredSession {
  const isNamed = (session: StoredSession) => name === nameOf(session) || name === session.clientId
  const [found, ...others] = sessions.filter(
    (session) => isNamed(session) && (url === undefined || baseOf(session) === url),
  )
  if (found === undefined)
    throw notSignedIn(`There is no session ${name} here.`, 'token-broker use lists those that there are.')
  if (others.length === 0) return found
  const each = [found, ...others].map((session) => `  ${nameOf(session)} at ${baseOf(session)}`)
  throw new UsageProblem(
    ['There are several sessions of that name:', ...each].join('\n'),
    'Add the application, or --url.',
  )
}

function list({ sessions, default: preferred }: Sessions, isJson: boolean): void {
  const isDefault = (session: StoredSession) =>
    sessions.length === 1 || (preferred !== undefined && same(session, preferred))
  if (isJson) {
    printJson({ sessions: sessions.map((session) => told(session, isDefault(session))) })
    return
  }
  if (sessions.length === 0) {
    say('Nobody is signed in here. token-broker login', 'dim')
    return
  }
  const rows = sessions.map((session): Cell[] => [
    isDefault(session) ? '*' : ' ',
    nameOf(session),
    session.sub ?? '–',
    baseOf(session),
    stateOf(session),
  ])
  print(createTable(columns, terminalWidth())(rows).join('\n'))
}

function stateOf({ ended, endsAtSeconds }: StoredSession): Cell {
  if (ended !== undefined) return { text: 'ended', as: 'red' }
  if (endsAtSeconds === undefined) return 'signed in'
  const leftSeconds = endsAtSeconds - Date.now() / 1000
  return leftSeconds > 0 ? `ends in ${duration(leftSeconds)}` : { text: 'ended', as: 'red' }
}

/** No tokens. */
function told(session: StoredSession, isDefault: boolean): object {
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
