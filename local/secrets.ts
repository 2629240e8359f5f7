/**
 * The local stack's secrets, as files in the data directory: the keyring and a secret of each application at the
 * provider.
 *
 * Owns making them. Where the functions read them is shared/secrets.ts. Brokers that start at the same time agree.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { providerSecretName } from '../shared/domain/provider-identity.ts'
import type { Application } from '../shared/domain/registration.ts'
import { generateKeyring } from '../shared/tokens/keyring-secret.ts'
import { agreeOn, privateDirectory } from './data-dir.ts'

export type LocalSecrets = {
  /** For SECRETS. */
  readonly place: string
  /** By application. */
  readonly providerSecrets: ReadonlyMap<string, string>
}

export async function setUpSecrets(
  dataDir: string,
  applications: readonly Pick<Application, 'name' | 'provider'>[],
): Promise<LocalSecrets> {
  const folder = join(dataDir, 'secrets')
  await privateDirectory(folder)
  const keyring = agreeOn(join(folder, 'keyring'), () => generateKeyring(Date.now()))
  const pairs = applications.map(async (application): Promise<[string, string]> => {
    const path = join(folder, providerSecretName(application))
    return [application.name, await agreeOn(path, () => randomBytes(32).toString('base64url'))]
  })
  const [providerSecrets] = await Promise.all([Promise.all(pairs), keyring])
  return { place: `file:${folder}`, providerSecrets: new Map(providerSecrets) }
}
