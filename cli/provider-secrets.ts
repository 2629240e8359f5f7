/** Names of the broker's client secrets at its providers, and whether they exist. Their values are never read. */

import type { Command } from 'commander'
import { providerSecretName } from '../shared/domain/provider-identity.ts'
import type { Application, Registry } from '../shared/domain/registration.ts'
import { isLocalTable } from './settings.ts'

export type SecretsSettings = { readonly secrets?: string }

export function withSecrets(command: Command): Command {
  return command.option(
    '--secrets <prefix>',
    'prefix of the secrets of the stack, token-broker/<stage>/; derived from the name of the table if not set',
  )
}

/** Placeholder for the stack's prefix if the stack is not known. */
const someStage = 'token-broker/<stage>/'

/** @returns undefined if it is unknown, and for a local stack */
export function secretsPrefix({ secrets: given }: SecretsSettings, table: string): string | undefined {
  if (given !== undefined) return given.endsWith('/') ? given : `${given}/`
  if (isLocalTable()) return undefined
  // CloudFormation names a table after its stack.
  const [, stage] = /^token-broker-(.+?)-Table[A-Za-z0-9]*-[A-Z0-9]+$/.exec(table) ?? []
  return stage && `token-broker/${stage}/`
}

export function secretNameOf(application: Pick<Application, 'name' | 'provider'>, prefix = someStage): string {
  return `${prefix}${providerSecretName(application)}`
}

/** Describes where the stack reads the secret. */
export function secretPlace(application: Pick<Application, 'name' | 'provider'>, prefix: string | undefined): string {
  if (prefix === undefined && isLocalTable()) return `the file secrets/${providerSecretName(application)} in DATA_DIR`
  return `the secret ${secretNameOf(application, prefix)}`
}

export function needsSecret({ provider }: Pick<Application, 'provider'>): boolean {
  return provider.auth !== 'none'
}

/** The shell command that creates the secret. */
function creationOf(name: string): string {
  const quoted = /[<>]/.test(name) ? `'${name}'` : name
  return `aws secretsmanager create-secret --name ${quoted} --kms-key-id <output SecretsKeyArn> --secret-string file://secret.txt`
}

/**
 * A warning for each application whose secret does not exist.
 *
 * @returns no warnings if Secrets Manager does not answer, because that is no reason to stop
 */
export async function missingSecrets({ applications }: Registry, prefix: string): Promise<string[]> {
  const { hasSecretValue } = await import('../shared/secrets-manager.ts')
  const found = await Promise.all(
    applications.filter(needsSecret).map(async (application) => {
      const name = secretNameOf(application, prefix)
      const isThere = await hasSecretValue(name).catch(() => true)
      return isThere
        ? []
        : [
            `The client secret of ${application.name} at its provider is missing: ${name}. To create it:\n  ${creationOf(name)}`,
          ]
    }),
  )
  return found.flat()
}
