/**
 * The local stack's secrets, as files in the data directory: the keyring, and each application's secret at its provider.
 * That secret is random unless an environment variable sets it. Brokers that start at the same time get the same secrets.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { providerSecretName } from '../shared/domain/provider-identity.ts'
import type { Application } from '../shared/domain/registration.ts'
import { generateKeyring } from '../shared/tokens/keyring-secret.ts'
import { privateDirectory, readOrMake, replace, withSecretsLocked } from './data-dir.ts'

export type LocalSecrets = {
  /** The value for the variable SECRETS. */
  readonly place: string
  /** By application. */
  readonly providerSecrets: ReadonlyMap<string, string>
}

/** The variable for an application's secret at your own provider: PROVIDER_SECRET_MY_APP for my-app. */
export function secretVariable(application: string): string {
  return `PROVIDER_SECRET_${application.toUpperCase().replaceAll('-', '_')}`
}

/** @param given returns an application's secret from the environment; undefined if it is not set there */
export async function setUpSecrets(
  dataDir: string,
  applications: readonly Pick<Application, 'name' | 'provider'>[],
  given: (application: string) => string | undefined = () => undefined,
): Promise<LocalSecrets> {
  const folder = join(dataDir, 'secrets')
  await privateDirectory(folder)
  return withSecretsLocked(dataDir, async () => {
    await readOrMake(join(folder, 'keyring'), () => generateKeyring(Date.now()))
    const providerSecrets = new Map<string, string>()
    for (const application of applications) {
      const path = join(folder, providerSecretName(application))
      const secret = given(application.name)
      if (secret) await replace(path, secret)
      providerSecrets.set(application.name, await readOrMake(path, () => randomBytes(32).toString('base64url')))
    }
    return { place: `file:${folder}`, providerSecrets }
  })
}
