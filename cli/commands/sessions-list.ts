/**
 * `token-broker sessions list`: what ops look at.
 *
 * Owns its filters and pages. A session's row is cli/sessions.ts's.
 */

import type { Input } from '../arguments.ts'
import { type Json, type OpsBroker, opsBrokers } from '../broker.ts'
import type { Command } from '../command.ts'
import { nobody } from '../people.ts'
import { Problem, UsageProblem } from '../problem.ts'
import { columns, rowOf, type Session, sessionsIn, states } from '../sessions.ts'
import { everywhereOption, opsOptions } from '../settings.ts'
import { createTable } from '../table.ts'
import { bold, dim, endSpinner, print, printJson, say, spin, terminalWidth } from '../terminal.ts'

const mostAtOnce = 100
/** The broker's own, unless it is told. */
const defaultLimit = 50

export const command: Command = {
  says: 'Who is signed in, where and since when; newest first.',
  options: {
    ...opsOptions,
    ...everywhereOption,
    subject: { takes: 'SUB', says: 'of this person, by the `sub` of their tokens' },
    email: { takes: 'ADDRESS', says: 'of whoever signed in with this address' },
    name: { takes: 'TEXT', says: 'of people whose name, address or subject has this in it' },
    client: { takes: 'CLIENT_ID', says: 'of this client' },
    state: { takes: 'STATE', says: states.join(', ') },
    limit: { takes: 'N', says: 'so many at most, 1 to 100; 50 unless told' },
    cursor: { takes: 'CURSOR', says: 'go on where a list ended' },
    all: { says: 'all pages' },
  },
  notes: [
    'token-broker sessions list --application billing --subject alice --state active',
    'token-broker sessions list --all-applications --email ada@example.com',
    'With --name the sessions are looked through one by one; --client and --state make that shorter.',
  ],
  run: async (input) => {
    const query = queryFrom(input)
    const brokers = await opsBrokers(input)
    if (input.flag('all') && brokers.length > 1) throw new UsageProblem('--all goes with one application.')
    if (input.flag('all')) return listAll(brokers[0]!, query, input.flag('json'))
    const lists: List[] = []
    for (const broker of brokers) lists.push(await listAt(broker, query))
    endSpinner()
    const found = lists.flatMap(({ sessions }) => sessions)
    if (input.flag('json')) printJson(inJson(lists))
    else for (const list of lists) printList(list, lists.length > 1)
    if (found.length === 0) await explainNone(brokers, query)
  },
}

type List = {
  readonly broker: OpsBroker
  readonly sessions: readonly Session[]
  readonly cursor: string | undefined
  /** Whether people can be found by an address there. */
  readonly keepsEmail: boolean
}

/** A page as long as it was asked for: with a filter those of the broker may be shorter, or empty. */
async function listAt(broker: OpsBroker, query: Readonly<Record<string, string>>): Promise<List> {
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
    if (process.stderr.isTTY) spin(() => `Looking through the sessions of ${broker.application} …`)
  }
}

function inJson(lists: readonly List[]): object {
  const cursors = lists.flatMap(({ broker, cursor }) => (cursor === undefined ? [] : [[broker.application, cursor]]))
  return {
    sessions: lists.flatMap(({ sessions }) => sessions),
    ...(lists.length === 1 && cursors[0] !== undefined && { cursor: cursors[0][1] }),
    ...(lists.length > 1 && cursors.length > 0 && { cursors: Object.fromEntries(cursors) }),
  }
}

function printList({ broker, sessions, cursor, keepsEmail }: List, isOneOfMany: boolean): void {
  if (!keepsEmail)
    say(`${broker.application} keeps no e-mail addresses, so nobody can be found by address there.`, 'yellow')
  if (sessions.length === 0) return
  if (isOneOfMany) print(bold(broker.application))
  printPage({ sessions }, createTable(columns, terminalWidth()))
  const where = isOneOfMany ? `--application ${broker.application} ` : ''
  if (cursor !== undefined) print(dim(`more: ${where}--cursor ${cursor}`))
}

/** An unknown person or client is a failure. A known one without a session that fits is an answer. */
async function explainNone(brokers: readonly OpsBroker[], query: Readonly<Record<string, string>>): Promise<void> {
  const { subject, email, name } = query
  const who = subject !== undefined ? { subject } : email !== undefined ? { email } : undefined
  if (who !== undefined) {
    const filter = Object.fromEntries([...Object.entries(who), ['limit', '1']])
    const any = await Promise.all(brokers.map((broker) => broker.call('GET', 'sessions', filter)))
    if (any.every((page) => sessionsIn(page).length === 0)) throw await nobody(brokers, who)
  } else if (name !== undefined) {
    throw new Problem(
      `There is no such session of anybody with “${name}” in name, address or subject.`,
      undefined,
      'Of a session that ops ended, the name and the address are gone.',
    )
  }
  say('There are no such sessions.', 'dim')
}

function queryFrom(input: Input): Record<string, string> {
  const state = input.text('state')
  if (state !== undefined && !states.some((each) => each === state)) {
    throw new UsageProblem(`--state must be one of ${states.join(', ')}.`)
  }
  const limit = input.number('limit', 1, mostAtOnce) ?? (input.flag('all') ? mostAtOnce : undefined)
  const query = {
    subject: input.text('subject'),
    email: input.text('email'),
    name: input.text('name'),
    client_id: input.text('client'),
    state,
    limit: limit?.toString(),
    cursor: input.text('cursor'),
  }
  return Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** A page at a time, so that a million sessions need no more room than a hundred. */
async function listAll(broker: OpsBroker, query: Readonly<Record<string, string>>, isJson: boolean): Promise<void> {
  const print = isJson ? jsonPrinter() : tablePrinter()
  let count = 0
  let cursor = query.cursor
  spin(() => `Reading sessions … ${count}`)
  do {
    const page = await broker.call('GET', 'sessions', { ...query, ...(cursor !== undefined && { cursor }) })
    endSpinner()
    print.page(page)
    count += sessionsIn(page).length
    cursor = typeof page.cursor === 'string' ? page.cursor : undefined
    if (cursor !== undefined && process.stderr.isTTY) spin(() => `Reading sessions … ${count}`)
  } while (cursor !== undefined)
  print.end()
  say(`${count} sessions`, 'dim')
}

type Printer = { page(page: Json): void; end(): void }

function tablePrinter(): Printer {
  const table = createTable(columns, terminalWidth())
  return { page: (page) => printPage(page, table), end: () => {} }
}

function jsonPrinter(): Printer {
  let isFirst = true
  return {
    page: (page) => {
      for (const session of sessionsIn(page)) {
        process.stdout.write(`${isFirst ? '{ "sessions": [\n' : ',\n'}${JSON.stringify(session)}`)
        isFirst = false
      }
    },
    end: () => print(isFirst ? '{ "sessions": [] }' : '\n] }'),
  }
}

function printPage(page: Json, table: ReturnType<typeof createTable>): void {
  const now = Date.now()
  const rows = sessionsIn(page).map((session) => rowOf(session, now))
  if (rows.length > 0) print(table(rows).join('\n'))
}
