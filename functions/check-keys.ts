/**
 * check-keys: logs the age of the keys every hour, so that an alarm can report a missing rotation.
 *
 * It is a separate function, because the rotation function may be what is broken.
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
