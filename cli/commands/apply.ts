/**
 * `token-broker apply registry.json`: the file's applications and clients into the table.
 *
 * Owns the diff as people see it, and the question before it is written. What differs shared/domain/registry-changes.ts
 * knows, and how nothing is half done shared/store/registry.ts.
 */

import { applicationOf, type Change, changesBetween, isClient } from '../../shared/domain/registry-changes.ts'
import { maxChangesPerTransaction, readRegistry, writeChanges } from '../../shared/store/registry.ts'
import type { Input } from '../arguments.ts'
import { authorOf } from '../author.ts'
import type { Command } from '../command.ts'
import { Problem, UsageProblem } from '../problem.ts'
import { missingSecrets, needsSecret, secretPlace, secretsOptions, secretsPrefix } from '../provider-secrets.ts'
import { graceWarning } from '../refresh-plan.ts'
import { inEffectWithinSeconds, withTable } from '../registry.ts'
import { differencesOf, inWords, providerChangeOf, providerInWords } from '../registry-difference.ts'
import { registryFrom, variableOptions } from '../registry-file.ts'
import { isLocalTable, tableFrom, tableOptions, tablePlace } from '../settings.ts'
import { bold, confirm, dim, type Format, hasPerson, paint, plain, print, printJson, say, spin } from '../terminal.ts'

export const command: Command = {
  says: 'Puts the applications and clients of a registry file into the table.',
  words: ['<file>'],
  options: {
    ...tableOptions,
    'dry-run': { says: 'show what would change, and change nothing' },
    prune: { says: 'remove what is in the table and not in the file' },
    ...variableOptions,
    'keep-sessions': { says: 'treat a changed provider as the same one at another address, and keep its sessions' },
    ...secretsOptions,
    yes: { says: 'do not ask; needed where there is no terminal' },
  },
  notes: [
    'A file with mistakes changes nothing; all of them are told at once, each with its place.',
    'revokedBefore stays as it is, and so do the secrets of clients with "secrets": "table".',
    'An application that gets another provider loses its sessions, unless --keep-sessions says that it is the same one.',
    `Exit code 1 when somebody else changes the registry at the same time: nothing is written, or with more than ${maxChangesPerTransaction} changes only the first ones.`,
  ],
  run: async (input) => {
    const registry = await registryFrom(input, !isLocalTable())
    await withTable(input, async (table) => {
      const names = registry.applications.map(({ name }) => name)
      const stored = await readRegistry(table, names)
      const changes = changesBetween(stored, registry, input.flag('prune'), () => input.flag('keep-sessions'))
      const isDry = input.flag('dry-run')
      const real = changes.filter(({ kind }) => kind !== 'unchanged' && kind !== 'undeclared')
      const prefix = secretsPrefix(input, tableFrom(input))
      if (!input.flag('json')) show(changes, tablePlace(tableFrom(input)), prefix)
      const warnings = [
        ...registry.clients.flatMap((client) => graceWarning(client) ?? []),
        ...(prefix === undefined ? [] : await missingSecrets(registry, prefix)),
      ]
      for (const warning of warnings) say(warning, 'yellow')
      if (!isDry && real.length > 0) {
        await ask(input, real)
        const isLong = real.length > maxChangesPerTransaction
        const told = isLong ? (written: number) => spin(() => `Written: ${written} of ${real.length}`) : undefined
        const by = await authorOf('apply')
        if (!(await writeChanges(table, stored.version, changes, { nowMs: Date.now(), by, progress: told })))
          throw beaten()
      }
      const isApplied = !isDry && real.length > 0
      if (input.flag('json')) printJson({ ...inJson(changes), warnings, applied: isApplied, dry_run: isDry })
      else print(outcome(real.length, isDry))
    })
  },
}

const signs: Readonly<Record<Change['kind'], readonly [sign: string, as: Format]>> = {
  added: ['+', 'green'],
  changed: ['~', 'yellow'],
  removed: ['-', 'red'],
  undeclared: ['?', 'magenta'],
  unchanged: [' ', 'dim'],
}

function show(changes: readonly Change[], place: string, prefix: string | undefined): void {
  print(`${bold('Table')} ${place}`)
  for (const change of changes) {
    const { kind, record } = change
    if (kind === 'unchanged') continue
    const [sign, as] = signs[kind]
    const name = isClient(record)
      ? `client ${plain(record.clientId)} of ${applicationOf(record)}`
      : `application ${record.name}`
    const note = kind === 'undeclared' ? dim('  not in the file; stays (--prune removes it)') : ''
    print(`  ${paint(as, `${sign} ${name}`)}${note}`)
    for (const difference of differencesOf(change)) print(`      ${plain(inWords(difference))}`)
    showProvider(change, prefix)
  }
  const unchanged = changes.filter(({ kind }) => kind === 'unchanged').length
  if (unchanged > 0) print(dim(`    unchanged: ${unchanged}`))
}

function showProvider(change: Change, prefix: string | undefined): void {
  const { record, kind } = change
  if (isClient(record)) return
  const another = providerChangeOf(change)
  if (another !== undefined) {
    const { application, from, to, sessions } = another
    print(`      ${paint('yellow', 'The provider becomes another one:')}`)
    print(`        from ${plain(providerInWords(from))}`)
    print(`        to   ${plain(providerInWords(to))}`)
    print(
      sessions === 'end'
        ? `        All sessions of ${application} end, and its people sign in again. Nothing that is kept of the former provider is sent to the new one.\n        Is it the same provider at another address? --keep-sessions`
        : `        The sessions of ${application} go on: --keep-sessions says that it is the same provider, so it may be sent what is kept of the former address.`,
    )
  }
  if (needsSecret(record) && (another !== undefined || kind === 'added')) {
    print(`        The client secret there is read from ${secretPlace(record, prefix)}`)
  }
}

/** Asks before anything is written. Without a terminal the caller has to pass `--yes`. */
async function ask(input: Input, changes: readonly Change[]): Promise<void> {
  if (input.flag('yes')) return
  if (!hasPerson()) {
    throw new UsageProblem('There is no terminal to ask on, so nothing was changed. Pass --yes to write the changes.')
  }
  if (changes.some(({ kind }) => kind === 'removed')) {
    say('A client that is removed is shut out within seconds, and none of its sessions refreshes.', 'yellow')
  }
  if (!(await confirm(`Write ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}?`)))
    throw new Problem('Nothing was changed.')
}

function beaten(): Problem {
  return new Problem(
    'Somebody else changed the registry meanwhile, so the changes that were shown are out of date.',
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
    changes: changes.map((change) => {
      const { kind, record } = change
      const differences = differencesOf(change)
      const another = providerChangeOf(change)
      return {
        kind,
        application: applicationOf(record),
        ...(isClient(record) && { client_id: record.clientId }),
        ...(differences.length > 0 && {
          members: [...new Set(differences.map(({ member }) => member.split('.')[0]))],
          differences: differences.map(({ member, before, after, isHidden }) =>
            isHidden ? { member, hidden: true } : { member, before: before ?? null, after: after ?? null },
          ),
        }),
        ...(another !== undefined && {
          provider_change: {
            from: providerInWords(another.from),
            to: providerInWords(another.to),
            sessions: another.sessions,
          },
        }),
      }
    }),
  }
}
