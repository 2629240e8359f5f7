/**
 * The broker's client secrets at the providers, as far as ops are told of them: their names, whether they are there, and
 * how one is made. Never a value.
 *
 * Owns where a table's stack keeps them. Must not know what is done about one that is missing.
 */

import { providerSecretName } from '../shared/domain/provider-identity.ts'
import type { Application, Registry } from '../shared/domain/registration.ts'
import type { Input, Options } from './arguments.ts'
import { isLocalTable } from './settings.ts'

export const secretsOptions: Options = {
  secrets: {
    takes: 'PREFIX',
    says: 'prefix of the stack’s secrets, token-broker/<stage>/; by default derived from the table’s name',
  },
}

/** Placeholder for the stack's part of a name, when the stack is not known. */
const someStage = 'token-broker/<stage>/'

/** Of the names in Secrets Manager. @returns undefined where nothing says it, or the stack is the local one */
export function secretsPrefix(input: Input, table: string): string | undefined {
  const given = input.text('secrets')
  if (given !== undefined) return given.endsWith('/') ? given : `${given}/`
  if (isLocalTable()) return undefined
  // CloudFormation names a table after its stack and its place there.
  const [, stage] = /^token-broker-(.+?)-Table[A-Za-z0-9]*-[A-Z0-9]+$/.exec(table) ?? []
  return stage && `token-broker/${stage}/`
}

export function secretNameOf(application: Pick<Application, 'name' | 'provider'>, prefix = someStage): string {
  return `${prefix}${providerSecretName(application)}`
}

/** Where a stack reads it, for people. */
export function secretPlace(application: Pick<Application, 'name' | 'provider'>, prefix: string | undefined): string {
  if (prefix === undefined && isLocalTable()) return `the file secrets/${providerSecretName(application)} in DATA_DIR`
  return `the secret ${secretNameOf(application, prefix)}`
}

export function needsSecret({ provider }: Pick<Application, 'provider'>): boolean {
  return provider.auth !== 'none'
}

/** The command that makes it, for the shell. */
function creationOf(name: string): string {
  const quoted = /[<>]/.test(name) ? `'${name}'` : name
  return `aws secretsmanager create-secret --name ${quoted} --kms-key-id <output SecretsKeyArn> --secret-string file://secret.txt`
}

/**
 * A warning for each application whose secret is not there.
 *
 * @returns none where that cannot be found out: it is no reason to stop
 */
export async function missingSecrets({ applications }: Registry, prefix: string): Promise<string[]> {
  const { hasSecretValue } = await import('../shared/secrets-manager.ts')
  const found = await Promise.all(
    applications.filter(needsSecret).map(async (application) => {
      const name = secretNameOf(application, prefix)
      const isThere = await hasSecretValue(name).catch(() => true)
      return isThere
        ? []
        : [`The secret of ${application.name} at its provider is missing: ${name}\n  ${creationOf(name)}`]
    }),
  )
  return found.flat()
}
