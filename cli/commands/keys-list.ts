/**
 * `token-broker keys list`: which keys there are, and what each is for.
 *
 * Owns the table's columns.
 */

import type { KeyDescription } from '../../shared/tokens/keyring-report.ts'
import type { Command } from '../command.ts'
import { keysFrom, keysOptions } from '../keys.ts'
import { relative } from '../relative-time.ts'
import { type Cell, type Column, createTable } from '../table.ts'
import { print, printJson, terminalWidth } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: 'KEY' },
  { title: 'KIND' },
  { title: 'ALGORITHM', dispensable: 3 },
  { title: 'STATUS' },
  { title: 'IN USE' },
  { title: 'PUBLISHED', dispensable: 2 },
  { title: 'USED' },
  { title: 'KEPT', dispensable: 1 },
]

export const command: Command = {
  says: 'The broker’s keys by their names; never the keys themselves.',
  options: keysOptions,
  run: async (input) => {
    const keys = await (await keysFrom(input)).list()
    if (input.flag('json')) printJson({ keys })
    else print(keyLines(keys).join('\n'))
  },
}

export function keyLines(keys: readonly KeyDescription[]): string[] {
  const now = Date.now()
  return createTable(columns, terminalWidth())(keys.map((key) => rowOf(key, now)))
}

function rowOf(key: KeyDescription, now: number): Cell[] {
  const when = (word: string, iso: string | undefined) => (iso === undefined ? '' : `${word}${relative(iso, now)}`)
  const used = key.used_until === undefined ? when('from ', key.used_from) : when('until ', key.used_until)
  return [
    key.key,
    key.kind,
    { text: key.alg, as: 'dim' },
    { text: key.status, as: key.status === 'current' ? 'green' : key.status === 'next' ? 'cyan' : 'dim' },
    key.in_use ? { text: 'yes', as: 'green' } : '',
    when('', key.published_at),
    used,
    when('until ', key.kept_until),
  ]
}
