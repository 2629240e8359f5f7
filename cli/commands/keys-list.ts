/** `token-broker keys list` */

import type { Command } from 'commander'
import type { KeyDescription } from '../../shared/tokens/keyring-report.ts'
import { type KeysSettings, keysFrom, withKeys } from '../keys.ts'
import { relative } from '../relative-time.ts'
import type { JsonFlag } from '../settings.ts'
import { type Cell, type Column, createTable } from '../table.ts'
import { print, printJson, terminalWidth } from '../terminal.ts'

const columns: readonly Column[] = [
  { title: 'KEY' },
  { title: 'KIND' },
  { title: 'ALGORITHM', dropOrder: 3 },
  { title: 'STATUS' },
  { title: 'IN USE' },
  { title: 'PUBLISHED', dropOrder: 2 },
  { title: 'USED' },
  { title: 'KEPT', dropOrder: 1 },
]

export function define(command: Command): void {
  withKeys(command).action(list)
}

async function list(settings: KeysSettings & JsonFlag): Promise<void> {
  const keys = await (await keysFrom(settings)).list()
  if (settings.json) printJson({ keys })
  else print(keyLines(keys).join('\n'))
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
