/**
 * `token-broker sessions list`: what ops look at.
 *
 * Owns its filters and pages. A session's row is cli/sessions.ts's.
 */

import type { Input } from '../arguments.ts'
import { type Json, type OpsBroker, opsBroker } from '../broker.ts'
import type { Command } from '../command.ts'
import { UsageProblem } from '../problem.ts'
import { columns, rowOf, sessionsIn, states } from '../sessions.ts'
import { opsOptions } from '../settings.ts'
import { createTable } from '../table.ts'
import { dim, endSpinner, print, printJson, say, spin, terminalWidth } from '../terminal.ts'

const mostAtOnce = 100

export const command: Command = {
  says: 'Who is signed in, where and since when; newest first.',
  options: {
    ...opsOptions,
    subject: { takes: 'SUB', says: 'of this person' },
    client: { takes: 'CLIENT_ID', says: 'of this client' },
    state: { takes: 'STATE', says: states.join(', ') },
    limit: { takes: 'N', says: 'so many at most, 1 to 100; 50 unless told' },
    cursor: { takes: 'CURSOR', says: 'go on where a list ended' },
    all: { says: 'all pages' },
  },
  notes: ['token-broker sessions list --application billing --subject alice --state active'],
  run: async (input) => {
    const broker = await opsBroker(input)
    const query = queryFrom(input)
    if (input.flag('all')) return listAll(broker, query, input.flag('json'))
    const page = await broker.call('GET', 'sessions', query)
    if (input.flag('json')) return printJson(page)
    printPage(page, createTable(columns, terminalWidth()))
    if (typeof page.cursor === 'string') print(dim(`more: --cursor ${page.cursor}`))
    else if (sessionsIn(page).length === 0) say('There are no such sessions.', 'dim')
  },
}

function queryFrom(input: Input): Record<string, string> {
  const state = input.text('state')
  if (state !== undefined && !states.some((each) => each === state)) {
    throw new UsageProblem(`--state must be one of ${states.join(', ')}.`)
  }
  const limit = input.number('limit', 1, mostAtOnce) ?? (input.flag('all') ? mostAtOnce : undefined)
  const query = {
    subject: input.text('subject'),
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
