/** `token-broker apply`: shows how a registry file differs from the table, and writes the difference. */

import type { Command } from 'commander'
import { applicationOf, type Change, changesBetween, isClient } from '../../shared/domain/registry-changes.ts'
import { differencesOf, inWords, providerChangeOf, providerInWords } from '../../shared/registry-difference.ts'
import { maxChangesPerTransaction, readRegistry, writeChanges } from '../../shared/store/registry.ts'
import { authorOf } from '../author.ts'
import { Problem } from '../problem.ts'
import {
  missingSecrets,
  needsSecret,
  type SecretsSettings,
  secretPlace,
  secretsPrefix,
  withSecrets,
} from '../provider-secrets.ts'
import { graceWarning } from '../refresh-plan.ts'
import { inEffectWithinSeconds, useTable } from '../registry.ts'
import { registryFrom, type Variables, withVariables } from '../registry-file.ts'
import { isLocalTable, type JsonFlag, type TableSettings, tableFrom, tablePlace, withTable } from '../settings.ts'
import { askUnlessYes, bold, dim, type Format, paint, plain, print, printJson, say, spin } from '../terminal.ts'
import { trustWarnings } from '../trust-warnings.ts'

type Settings = TableSettings & JsonFlag & Variables & SecretsSettings & Flags
type Flags = {
  readonly dryRun?: true
  readonly prune?: true
  readonly keepSessions?: true
  readonly yes?: true
}

export function define(command: Command): void {
  withTable(command)
    .argument('<file>')
    .option('--dry-run', 'show what would change and write nothing')
    .option('--prune', 'remove what is in the table but not in the file')
    .option('--keep-sessions', 'keep the sessions of a changed provider: it is the same one at another address')
    .option('--yes', 'do not ask; required without a terminal')
  withSecrets(withVariables(command))
    .addHelpText(
      'after',
      `
If the file has mistakes, nothing changes. All mistakes are listed with their places.
apply never changes revokedBefore, nor the secrets of clients with "secrets": "table".
If an application gets another provider, its sessions end, unless --keep-sessions is passed.
Exit code 1 means that the registry was changed by another command at the same time. Nothing was written then, or, with
more than ${maxChangesPerTransaction} changes, only the first ones.`,
    )
    .action(apply)
}

async function apply(file: string, settings: Settings): Promise<void> {
  const registry = await registryFrom(file, settings, !isLocalTable())
  await useTable(settings, async (table, now) => {
    const names = registry.applications.map(({ name }) => name)
    const stored = await readRegistry(table, names)
    const changes = changesBetween(stored, registry, settings.prune === true, () => settings.keepSessions === true)
    const isDry = settings.dryRun === true
    const real = changes.filter(({ kind }) => kind !== 'unchanged' && kind !== 'undeclared')
    const prefix = secretsPrefix(settings, tableFrom(settings))
    if (!settings.json) show(changes, tablePlace(tableFrom(settings)), prefix)
    const warnings = [
      ...registry.clients.flatMap((client) => [graceWarning(client) ?? [], trustWarnings(client)].flat()),
      ...(prefix === undefined ? [] : await missingSecrets(registry, prefix)),
    ]
    for (const warning of warnings) say(warning, 'yellow')
    const isApplied = !isDry && real.length > 0
    if (isApplied) {
      await askUnlessYes(settings, `Write ${counted(real.length)}?`, () => consequence(real))
      const isLong = real.length > maxChangesPerTransaction
      const progress = isLong ? (written: number) => spin(() => `Written: ${written} of ${real.length}`) : undefined
      const by = await authorOf('apply')
      if (!(await writeChanges(table, stored, changes, { nowMs: now(), by, progress }))) throw outdated()
    }
    if (settings.json) printJson({ ...inJson(changes), warnings, applied: isApplied, dry_run: isDry })
    else print(outcome(real.length, isDry))
  })
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
    const note = kind === 'undeclared' ? dim('  not in the file; kept (--prune removes it)') : ''
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
    print(`      ${paint('yellow', 'The provider changes:')}`)
    print(`        from ${plain(providerInWords(from))}`)
    print(`        to   ${plain(providerInWords(to))}`)
    print(
      sessions === 'end'
        ? `        All sessions of ${application} end, and its people must sign in again. Tokens of the former provider are never sent to the new one.\n        If it is the same provider at another address, pass --keep-sessions.`
        : `        The sessions of ${application} go on: --keep-sessions says that it is the same provider, so tokens of the former address are sent to the new one.`,
    )
  }
  if (needsSecret(record) && (another !== undefined || kind === 'added')) {
    print(`        Its client secret is read from ${secretPlace(record, prefix)}`)
  }
}

function consequence(changes: readonly Change[]): string | undefined {
  return changes.some(({ kind }) => kind === 'removed')
    ? 'A removed client is refused within seconds, and its sessions can no longer refresh.'
    : undefined
}

function outdated(): Problem {
  return new Problem(
    'Another command changed the registry at the same time, so the changes shown above are out of date.',
    undefined,
    'Run the command again and check the difference.',
  )
}

function counted(changes: number): string {
  return changes === 1 ? '1 change' : `${changes} changes`
}

function outcome(count: number, isDry: boolean): string {
  if (count === 0) return 'Nothing to change.'
  return isDry
    ? `Dry run: ${counted(count)}, none written.`
    : `${counted(count)} written, in effect everywhere within ${inEffectWithinSeconds} s.`
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
