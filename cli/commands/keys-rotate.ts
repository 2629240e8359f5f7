/** `token-broker keys rotate` */

import type { Command } from 'commander'
import type { Retirement, Rotation } from '../../shared/tokens/keyring-report.ts'
import { type KeysSettings, keysFrom, withKeys } from '../keys.ts'
import { UsageProblem } from '../problem.ts'
import { programName } from '../program-name.ts'
import { relative } from '../relative-time.ts'
import { type JsonFlag, repeatable } from '../settings.ts'
import { askUnlessYes, plain, print, printJson, say } from '../terminal.ts'
import { keyLines } from './keys-list.ts'

type Settings = KeysSettings & JsonFlag & Emergency
type Emergency = { readonly emergency?: readonly string[]; readonly reason?: string; readonly yes?: true }

export function define(command: Command): void {
  withKeys(command)
    .addOption(repeatable('--emergency <key>', 'end this key and everything made with it now; all ends every key'))
    .option('--reason <text>', 'reason for the log; required with --emergency')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
The next keys take over. Everything made with the former ones stays valid. In the cloud, keys rotate automatically.
docs/operations.md says what an emergency ends.

Example:
  ${programName} keys rotate --function token-broker-prod-rotate-keys --emergency mac-3 --reason "seen in a log"`,
    )
    .action(rotate)
}

async function rotate(settings: Settings): Promise<void> {
  const { emergency: names = [], reason } = settings
  const keys = await keysFrom(settings)
  if (names.length === 0) {
    const rotation = await keys.rotate()
    return settings.json ? printJson(rotation) : showRotation(rotation)
  }
  if (!reason) throw new UsageProblem('Pass --reason TEXT with --emergency.')
  const preview = async () => keyLines(await keys.list()).join('\n')
  await askUnlessYes(settings, `End ${names.join(', ')} and everything made with it?`, preview)
  const retirement = await keys.retire(names.includes('all') ? 'all' : names, reason)
  return settings.json ? printJson(retirement) : showRetirement(retirement)
}

function showRotation({ used_from: from, keys }: Rotation): void {
  print(keyLines(keys).join('\n'))
  print(`\nThe new keys are used from ${from} (${relative(from, Date.now())}), everywhere at once.`)
}

function showRetirement(retirement: Retirement): void {
  const { retired, effective_at: effective, verifiers_effective_at: verifiers, known_everywhere: known } = retirement
  for (const { kind, key, ends } of retired) print(`${key} (${kind}) has ended: ${plain(ends)}`)
  print(`\n${keyLines(retirement.keys).join('\n')}`)
  print(`\nIn effect in every function from ${effective} (${relative(effective, Date.now())}).`)
  if (verifiers !== undefined) print(`Resource servers that use the published keys know it from ${verifiers}.`)
  if (!known) say('Until then, some functions may refuse tokens that the new keys made.', 'yellow')
}
