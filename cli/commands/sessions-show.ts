/**
 * `token-broker sessions show <sid>`: one session, and where its history is.
 *
 * Owns the layout. Must not know the members beyond what it has words for: those it does not know it shows as they are.
 */

import { callForSession, opsBroker } from '../broker.ts'
import type { Command } from '../command.ts'
import { relative } from '../relative-time.ts'
import { type Session, stateOf } from '../sessions.ts'
import { opsOptions } from '../settings.ts'
import { dim, paint, plain, print, printJson } from '../terminal.ts'

/** In this order; any others come after them. */
const order = [
  ...[
    'sid',
    'state',
    'sub',
    'name',
    'email',
    'client_id',
    'application',
    'flow',
    'scopes',
    'audiences',
    'started_from',
    'created_at',
  ],
  ...['refreshes', 'last_refreshed_at', 'expires_at', 'absolute_expires_at', 'revoked_at', 'revoked_reason'],
  ...['revoked_by', 'revoked_note'],
]

export const command: Command = {
  says: 'All about one session, and the query for its history.',
  words: ['<sid>'],
  options: opsOptions,
  run: async (input) => {
    const broker = await opsBroker(input)
    const answer = await callForSession(broker, 'GET', input.words[0]!)
    if (input.flag('json')) return printJson(answer)
    print(lines(answer.session as Session).join('\n'))
    const { log_groups: groups, query, from } = (answer.audit_query ?? {}) as Partial<Record<string, unknown>>
    if (typeof query !== 'string') return
    const places = Array.isArray(groups) ? groups.map(String) : []
    const application = input.text('application')
    const words = [
      'token-broker sessions history',
      input.words[0]!,
      ...(application ? ['--application', application] : []),
    ]
    print(`\n${dim('Its history:')}\n  ${paint('cyan', plain(words.join(' ')))}`)
    print(`\n${dim(`The same in CloudWatch Logs Insights${typeof from === 'string' ? `, from ${from}` : ''}:`)}`)
    for (const group of places) print(`  ${plain(group)}`)
    for (const line of query.split('\n')) print(`  ${paint('cyan', plain(line))}`)
  },
}

export function lines(session: Session): string[] {
  const members = session as unknown as Readonly<Record<string, unknown>>
  const names = [
    ...order.filter((name) => name in members),
    ...Object.keys(members).filter((name) => !order.includes(name)),
  ]
  const width = Math.max(...names.map((name) => name.length))
  return names.map((name) => `${dim(name.padEnd(width))}  ${shown(name, members[name])}`)
}

function shown(name: string, value: unknown): string {
  if (Array.isArray(value)) return plain(value.join(' '))
  const text = plain(String(value))
  if (name === 'state') {
    const cell = stateOf(text)
    return typeof cell === 'string' ? cell : paint(cell.as, cell.text)
  }
  return name.endsWith('_at') ? `${text}  ${dim(relative(text, Date.now()))}` : text
}
