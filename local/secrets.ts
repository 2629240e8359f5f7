/**
 * The local stack's secrets, as files in the data directory: the keyring, and the secret of each application at its
 * provider, which is drawn unless the environment has it. Brokers that start at the same time agree.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { providerSecretName } from '../shared/domain/provider-identity.ts'
import type { Application } from '../shared/domain/registration.ts'
import { generateKeyring } from '../shared/tokens/keyring-secret.ts'
import { agreeOn, privateDirectory, replace } from './data-dir.ts'

export type LocalSecrets = {
  /** For SECRETS. */
  readonly place: string
  /** By application. */
  readonly providerSecrets: ReadonlyMap<string, string>
}

/** The variable with an application's secret at a provider of your own: PROVIDER_SECRET_MY_APP for my-app. */
export function secretVariable(application: string): string {
  return `PROVIDER_SECRET_${application.toUpperCase().replaceAll('-', '_')}`
}

/** @param given finds the secret that the environment has for an application */
export async function setUpSecrets(
  dataDir: string,
  applications: readonly Pick<Application, 'name' | 'provider'>[],
  given: (application: string) => string | undefined = () => undefined,
): Promise<LocalSecrets> {
  const folder = join(dataDir, 'secrets')
  await privateDirectory(folder)
  const keyring = agreeOn(join(folder, 'keyring'), () => generateKeyring(Date.now()))
  const pairs = applications.map(async (application): Promise<[string, string]> => {
    const path = join(folder, providerSecretName(application))
    const secret = given(application.name)
    if (secret) await replace(path, secret)
    return [application.name, await agreeOn(path, () => randomBytes(32).toString('base64url'))]
  })
  const [providerSecrets] = await Promise.all([Promise.all(pairs), keyring])
  return { place: `file:${folder}`, providerSecrets: new Map(providerSecrets) }
}
