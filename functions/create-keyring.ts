/**
 * create-keyring: creates the keyring when a stack is first deployed. It runs at every deployment, and never replaces a
 * keyring: that would end every session.
 */

import { log } from '../shared/log.ts'
import { clock } from '../shared/parts.ts'
import { writeFirstValue } from '../shared/secrets-manager.ts'
import { generateKeyring } from '../shared/tokens/keyring-secret.ts'

export async function handler(): Promise<{ created: boolean }> {
  const [, prefix] = /^secretsmanager:(.+)$/.exec(process.env.SECRETS ?? '') ?? []
  if (prefix === undefined) throw new Error('SECRETS must be secretsmanager:<prefix>')
  const created = await writeFirstValue(`${prefix}keyring`, await generateKeyring(clock.now()))
  log({ level: 'info', event: created ? 'keyring.created' : 'keyring.kept' }, clock.now())
  return { created }
}
