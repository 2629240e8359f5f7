/**
 * `token-broker keys rotate`: the next keys take over, or in an emergency a key that has leaked ends now.
 *
 * Owns the question before an emergency, and what is told after it. What a retirement ends is in the answer.
 */

import type { Retirement, Rotation } from '../../shared/tokens/keyring-report.ts'
import type { Command } from '../command.ts'
import { keysFrom, keysOptions } from '../keys.ts'
import { Problem, UsageProblem } from '../problem.ts'
import { relative } from '../relative-time.ts'
import { confirm, hasPerson, plain, print, printJson, say } from '../terminal.ts'
import { keyLines } from './keys-list.ts'

export const command: Command = {
  says: 'The next keys take over; nothing that was made with the ones before ends.',
  options: {
    ...keysOptions,
    emergency: { takes: 'KEY', many: true, says: 'end this key now, and all that was made with it; or all' },
    reason: { takes: 'TEXT', says: 'why, for the log; needed in an emergency' },
    yes: { says: 'do not ask' },
  },
  notes: [
    'In the cloud keys rotate by themselves; see docs/operations.md for what an emergency ends.',
    'token-broker keys rotate --function token-broker-prod-rotate-keys --emergency mac-3 --reason "seen in a log"',
  ],
  run: async (input) => {
    const names = input.list('emergency')
    const keys = await keysFrom(input)
    if (names.length === 0) {
      const rotation = await keys.rotate()
      return input.flag('json') ? printJson(rotation) : tellRotation(rotation)
    }
    const reason = input.text('reason')
    if (!reason) throw new UsageProblem('An emergency needs a --reason.')
    if (!input.flag('yes')) {
      if (!hasPerson()) throw new UsageProblem('There is no terminal to ask on. Pass --yes to go ahead.')
      say(keyLines(await keys.list()).join('\n'))
      if (!(await confirm(`End ${names.join(', ')} and all that was made with it?`)))
        throw new Problem('Nothing was changed.')
    }
    const retirement = await keys.retire(names.includes('all') ? 'all' : names, reason)
    return input.flag('json') ? printJson(retirement) : tellRetirement(retirement)
  },
}

function tellRotation({ used_from: from, keys }: Rotation): void {
  print(keyLines(keys).join('\n'))
  print(`\nThe new keys are used from ${from} (${relative(from, Date.now())}), everywhere at once.`)
}

function tellRetirement(retirement: Retirement): void {
  const { retired, effective_at: effective, verifiers_effective_at: verifiers, known_everywhere: known } = retirement
  for (const { kind, key, ends } of retired) print(`${key} (${kind}) has ended: ${plain(ends)}`)
  print(`\n${keyLines(retirement.keys).join('\n')}`)
  print(`\nIn effect in every function from ${effective} (${relative(effective, Date.now())}).`)
  if (verifiers !== undefined) print(`At whoever verifies tokens by the published keys from ${verifiers}.`)
  if (!known) say('Until then, what the new keys make may be refused here and there.', 'yellow')
}
