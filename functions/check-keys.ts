/**
 * check-keys: every hour, says how old the keys are that the broker works with, so that an alarm can tell of a rotation
 * that does not come.
 *
 * Reads the keyring and writes one line. It is a function of its own because whoever is to rotate may be what is broken.
 */

import { log } from '../shared/log.ts'
import { clock } from '../shared/parts.ts'
import { secretsAt } from '../shared/secrets.ts'
import { oldestKeyInUseDays } from '../shared/tokens/keyring-report.ts'

export async function handler(): Promise<{ ageDays: number }> {
  const keyring = await secretsAt(process.env.SECRETS ?? '').read('keyring')
  const ageDays = oldestKeyInUseDays(keyring, clock.now())
  log({ level: 'info', event: 'keyring.checked', age_days: ageDays }, clock.now())
  return { ageDays }
}
