/**
 * `token-broker apply registry.json`: the file's applications and clients into the table.
 *
 * Owns the file's reading, the diff as people see it, and the question before it is written. What a mistake is
 * shared/registry-file.ts knows, what differs shared/domain/registry-changes.ts, and how nothing is half done
 * shared/store/registry.ts.
 */

import { readFile } from 'node:fs/promises'
import type { Registry } from '../../shared/domain/registration.ts'
import { applicationOf, type Change, changesBetween, isClient } from '../../shared/domain/registry-changes.ts'
import { parseRegistry } from '../../shared/registry-file.ts'
import { readRegistry, writeChanges } from '../../shared/store/registry.ts'
import type { Input } from '../arguments.ts'
import type { Command } from '../command.ts'
import { Problem, reasonOf, UsageProblem } from '../problem.ts'
import { inEffectWithinSeconds, withTable } from '../registry.ts'
import { tableFrom, tableOptions, tablePlace } from '../settings.ts'
import { bold, confirm, dim, type Format, hasPerson, paint, plain, print, printJson, say, spin } from '../terminal.ts'

export const command: Command = {
  says: 'Puts the applications and clients of a registry file into the table.',
  words: ['<file>'],
  options: {
    ...tableOptions,
    'dry-run': { says: 'show what would change, and change nothing' },
    prune: { says: 'remove what is in the table and not in the file' },
    var: {
      takes: 'NAME=value',
      many: true,
      says: 'what NAME in the file stands for; else the variable of the environment',
    },
    yes: { says: 'do not ask' },
  },
  notes: [
    'A file with mistakes changes nothing; all of them are told at once, each with its place.',
    'revokedBefore stays as it is, and so do the secrets of clients with "secrets": "table".',
    'Exit code 1, and nothing written, when somebody else changes the registry at the same time.',
  ],
  run: async (input) => {
    const registry = await registryFrom(input)
    await withTable(input, async (table) => {
      const names = registry.applications.map(({ name }) => name)
      const stored = await readRegistry(table, names)
      const changes = changesBetween(stored, registry, input.flag('prune'))
      const isDry = input.flag('dry-run')
      const real = changes.filter(({ kind }) => kind !== 'unchanged' && kind !== 'undeclared')
      if (!input.flag('json')) show(changes, tablePlace(tableFrom(input)))
      if (!isDry && real.length > 0) {
        await ask(input, real)
        const isLong = real.length > 99
        const told = isLong ? (written: number) => spin(() => `Written: ${written} of ${real.length}`) : undefined
        if (!(await writeChanges(table, stored.version, changes, { nowMs: Date.now(), progress: told }))) throw beaten()
      }
      if (input.flag('json')) printJson({ ...inJson(changes), applied: !isDry && real.length > 0, dry_run: isDry })
      else print(outcome(real.length, isDry))
    })
  },
}

async function registryFrom(input: Input): Promise<Registry> {
  const [file = ''] = input.words
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Problem(`${file} cannot be read (${reasonOf(error)}).`)
  })
  const parsed = parseRegistry(text, { ...environment(), ...variables(input) })
  if (parsed.ok) return parsed.registry
  const count = parsed.mistakes.length
  if (input.flag('json')) printJson({ mistakes: parsed.mistakes })
  const lines = parsed.mistakes.map(({ where, why }) => `  ${where}: ${why}`)
  throw new Problem(
    [`${file} has ${count === 1 ? 'a mistake' : `${count} mistakes`}, and nothing was changed:`, ...lines].join('\n'),
  )
}

function environment(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value]] : [])))
}

function variables(input: Input): Record<string, string> {
  return Object.fromEntries(
    input.list('var').map((assignment) => {
      const [, name, value] = /^(\w+)=(.*)$/s.exec(assignment) ?? []
      // The value may be a secret, so it is not repeated.
      if (name === undefined || value === undefined) throw new UsageProblem('--var takes NAME=value.')
      return [name, value]
    }),
  )
}

const signs: Readonly<Record<Change['kind'], readonly [sign: string, as: Format]>> = {
  added: ['+', 'green'],
  changed: ['~', 'yellow'],
  removed: ['-', 'red'],
  undeclared: ['?', 'magenta'],
  unchanged: [' ', 'dim'],
}

function show(changes: readonly Change[], place: string): void {
  print(`${bold('Table')} ${place}`)
  for (const { kind, record, members } of changes) {
    if (kind === 'unchanged') continue
    const [sign, as] = signs[kind]
    const name = isClient(record)
      ? `client ${plain(record.clientId)} of ${applicationOf(record)}`
      : `application ${record.name}`
    const what = members.length > 0 ? `: ${members.map(inFile).join(', ')}` : ''
    const note = kind === 'undeclared' ? dim('  not in the file; stays (--prune removes it)') : ''
    print(`  ${paint(as, `${sign} ${name}${what}`)}${note}`)
  }
  const unchanged = changes.filter(({ kind }) => kind === 'unchanged').length
  if (unchanged > 0) print(dim(`    unchanged: ${unchanged}`))
}

/** What the file calls it. */
function inFile(member: string): string {
  return member === 'secretHashes' ? 'secrets' : member
}

/** A removal is asked for even where nobody can answer; all else only where somebody can. */
async function ask(input: Input, changes: readonly Change[]): Promise<void> {
  if (input.flag('yes')) return
  const removed = changes.filter(({ kind }) => kind === 'removed').length
  if (!hasPerson()) {
    if (removed === 0) return
    throw new UsageProblem(
      'This would remove registrations, and there is no terminal to ask on; --yes says that it is meant.',
    )
  }
  if (removed > 0)
    say('A client that is removed is shut out within seconds, and none of its sessions refreshes.', 'yellow')
  if (!(await confirm(`Write ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}?`)))
    throw new Problem('Nothing was changed.')
}

function beaten(): Problem {
  return new Problem(
    'Somebody else has changed the registry at this moment, so what was shown is no longer what would happen.',
    undefined,
    'Run it again and look at the difference.',
  )
}

function outcome(count: number, isDry: boolean): string {
  if (count === 0) return 'Nothing to change.'
  const changes = count === 1 ? '1 change' : `${count} changes`
  return isDry
    ? `A dry run: ${changes}, none written.`
    : `${changes} written, in effect everywhere within ${inEffectWithinSeconds} s.`
}

function inJson(changes: readonly Change[]): object {
  return {
    changes: changes.map(({ kind, record, members }) => ({
      kind,
      application: applicationOf(record),
      ...(isClient(record) && { client_id: record.clientId }),
      ...(members.length > 0 && { members: members.map(inFile) }),
    })),
  }
}
