/** `token-broker sessions list` */

import { type Command, Option } from 'commander'
import { type OpsBroker, opsBrokers } from '../broker.ts'
import { notFound } from '../people.ts'
import { Problem, UsageProblem } from '../problem.ts'
import { programName } from '../program-name.ts'
import { columns, pagesOf, rowOf, type Session, sessionsIn, states } from '../sessions.ts'
import { type Everywhere, integer, type JsonFlag, type OpsSettings, withEverywhere, withOps } from '../settings.ts'
import { createTable, printTable } from '../table.ts'
import { bold, dim, endSpinner, output, print, printJson, say, spin, terminalWidth } from '../terminal.ts'

const maxPageSize = 100
/** The broker's own default. */
const defaultLimit = 50

type Settings = OpsSettings & Everywhere & JsonFlag & Filters
type Filters = {
  readonly subject?: string
  readonly email?: string
  readonly name?: string
  readonly client?: string
  readonly state?: string
  readonly limit?: number
  readonly cursor?: string
  readonly all?: true
}
type Query = Readonly<Record<string, string>>

export function define(command: Command): void {
  withEverywhere(withOps(command))
    .option('--subject <sub>', 'sessions of a person, by the `sub` of their tokens')
    .option('--email <address>', 'sessions of a person, by the address of their sign-in')
    .option('--name <text>', 'sessions of people with this text in their name, address or subject')
    .option('--client <client_id>', 'sessions of a client')
    .addOption(new Option('--state <state>', 'sessions in this state').choices(states))
    .addOption(
      integer('--limit <n>', `number of sessions, 1 to ${maxPageSize} (default: ${defaultLimit})`, 1, maxPageSize),
    )
    .option('--cursor <cursor>', 'continue where a list ended')
    .option('--all', 'all pages')
    .addHelpText(
      'after',
      `
With --name, every session is read. --client and --state make that faster.

Examples:
  ${programName} sessions list --application billing --subject alice --state active
  ${programName} sessions list --all-applications --email ada@example.com`,
    )
    .action(list)
}

async function list(settings: Settings): Promise<void> {
  const query = queryFrom(settings)
  const brokers = await opsBrokers(settings)
  if (settings.all && brokers.length > 1) throw new UsageProblem('Pass --all for one application only.')
  if (settings.all) return listAll(brokers[0]!, query, settings.json === true)
  const lists: List[] = []
  for (const broker of brokers) lists.push(await listAt(broker, query))
  endSpinner()
  for (const { broker, keepsEmail } of lists) if (!keepsEmail) say(keepsNone(broker), 'yellow')
  if (settings.json) printJson(inJson(lists))
  else for (const list of lists) printList(list, lists.length > 1)
  if (lists.every(({ sessions }) => sessions.length === 0)) {
    await explainNone(
      lists.filter(({ keepsEmail }) => keepsEmail).map(({ broker }) => broker),
      query,
    )
  }
}

function keepsNone({ application }: OpsBroker): string {
  return `${application} keeps no e-mail addresses. Pass --subject or --name to find a person there.`
}

type List = {
  readonly broker: OpsBroker
  readonly sessions: readonly Session[]
  readonly cursor: string | undefined
  /** Whether people can be found by their address there. */
  readonly keepsEmail: boolean
}

/** Reads one page. With a filter, the broker's pages may be shorter or empty, so this may take several requests. */
async function listAt(broker: OpsBroker, query: Query): Promise<List> {
  const limit = Number(query.limit ?? defaultLimit)
  const sessions: Session[] = []
  let cursor = query.cursor
  for (;;) {
    const left = String(limit - sessions.length)
    const page = await broker.call('GET', 'sessions', { ...query, limit: left, ...(cursor && { cursor }) })
    sessions.push(...sessionsIn(page))
    cursor = typeof page.cursor === 'string' ? page.cursor : undefined
    if (cursor === undefined || sessions.length >= limit) {
      return { broker, sessions, cursor, keepsEmail: page.keeps_email !== false }
    }
    if (output.stderr.isTTY) spin(() => `Searching the sessions of ${broker.application} …`)
  }
}

function inJson(lists: readonly List[]): object {
  const cursors = lists.flatMap(({ broker, cursor }) => (cursor === undefined ? [] : [[broker.application, cursor]]))
  const notSearched = lists.filter(({ keepsEmail }) => !keepsEmail).map(({ broker }) => broker.application)
  return {
    sessions: lists.flatMap(({ sessions }) => sessions),
    ...(notSearched.length > 0 && { not_searched: notSearched }),
    ...(lists.length === 1 && cursors[0] !== undefined && { cursor: cursors[0][1] }),
    ...(lists.length > 1 && cursors.length > 0 && { cursors: Object.fromEntries(cursors) }),
  }
}

function printList({ broker, sessions, cursor }: List, isOneOfMany: boolean): void {
  if (sessions.length === 0) return
  if (isOneOfMany) print(bold(broker.application))
  printTable(
    columns,
    sessions.map((session) => rowOf(session, Date.now())),
  )
  const where = isOneOfMany ? `--application ${broker.application} ` : ''
  if (cursor !== undefined) print(dim(`more: ${where}--cursor ${cursor}`))
}

/**
 * An unknown person is an error. A known person without a matching session is an empty result.
 *
 * @param brokers that were searched
 */
async function explainNone(brokers: readonly OpsBroker[], query: Query): Promise<void> {
  const { subject, email, name } = query
  if (brokers.length === 0) throw new Problem('No application was searched, because none keeps e-mail addresses.')
  const who = subject !== undefined ? { subject } : email !== undefined ? { email } : undefined
  if (who !== undefined) {
    const filter = Object.fromEntries([...Object.entries(who), ['limit', '1']])
    const any = await Promise.all(brokers.map((broker) => broker.call('GET', 'sessions', filter)))
    if (any.every((page) => sessionsIn(page).length === 0)) throw await notFound(brokers, who)
  } else if (name !== undefined) {
    throw new Problem(
      `There is no matching session of a person with "${name}" in their name, address or subject.`,
      undefined,
      'A session that an operator ended no longer has a name and an address.',
    )
  }
  say('There are no matching sessions.', 'dim')
}

function queryFrom({ subject, email, name, client, state, limit, cursor, all }: Settings): Query {
  const size = limit ?? (all ? maxPageSize : undefined)
  const query = { subject, email, name, client_id: client, state, limit: size?.toString(), cursor }
  return Object.fromEntries(
    Object.entries(query).flatMap(([member, value]) => (value === undefined ? [] : [[member, value]])),
  )
}

/** Prints page by page, so that a million sessions need no more memory than a hundred. */
async function listAll(broker: OpsBroker, query: Query, isJson: boolean): Promise<void> {
  const table = createTable(columns, terminalWidth())
  let count = 0
  spin(() => `Reading sessions … ${count}`)
  for await (const page of pagesOf(broker, query)) {
    if (page.keeps_email === false) throw new Problem(keepsNone(broker))
    const sessions = sessionsIn(page)
    endSpinner()
    if (!isJson) printPage(sessions, table)
    else
      for (const session of sessions)
        output.stdout.write(`${count++ === 0 ? '{ "sessions": [\n' : ',\n'}${JSON.stringify(session)}`)
    if (!isJson) count += sessions.length
    if (output.stderr.isTTY) spin(() => `Reading sessions … ${count}`)
  }
  endSpinner()
  if (isJson) print(count === 0 ? '{ "sessions": [] }' : '\n] }')
  say(`${count} sessions`, 'dim')
}

function printPage(sessions: readonly Session[], table: ReturnType<typeof createTable>): void {
  if (sessions.length > 0) print(table(sessions.map((session) => rowOf(session, Date.now()))).join('\n'))
}
