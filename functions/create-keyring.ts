/**
 * create-keyring: creates the keyring when a broker is first deployed. It may run at later deployments too, and never replaces
 * a keyring: that would end every session.
 */

import { customResource } from '../shared/custom-resource.ts'
import { log } from '../shared/log.ts'
import { clock } from '../shared/parts.ts'
import { writeFirstValue } from '../shared/secrets-manager.ts'
import { generateKeyring } from '../shared/tokens/keyring-secret.ts'

export const handler = customResource(async ({ RequestType }): Promise<Record<string, string>> => {
  // The keyring is deleted together with its secret.
  if (RequestType === 'Delete') return {}
  const { created } = await createKeyring()
  return { Created: String(created) }
})

export async function createKeyring(): Promise<{ created: boolean }> {
  const [, prefix] = /^secretsmanager:(.+)$/.exec(process.env.SECRETS ?? '') ?? []
  if (prefix === undefined) throw new Error('SECRETS must be secretsmanager:<prefix>')
  const created = await writeFirstValue(`${prefix}keyring`, await generateKeyring(clock.now()))
  log({ level: 'info', event: created ? 'keyring.created' : 'keyring.kept' }, clock.now())
  return { created }
}
