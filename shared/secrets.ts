/**
 * Where secrets come from: Secrets Manager in the cloud, files on a laptop.
 *
 * Owns the two places. The names in them are `keyring` and those of shared/domain/provider-identity.ts.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Unavailable } from './unavailable.ts'

export type Secrets = {
  /** @throws {Unavailable} */
  read(name: string): Promise<string>
}

/** @param place `file:<folder>` or `secretsmanager:<prefix of the names>` */
export function secretsAt(place: string): Secrets {
  const [, scheme, rest] = /^(file|secretsmanager):(.+)$/.exec(place) ?? []
  if (rest === undefined) throw new Error('SECRETS must be file:<folder> or secretsmanager:<prefix>')
  return { read: async (name) => read(scheme === 'file' ? fromFile : fromSecretsManager, rest, name) }
}

async function read(from: (place: string, name: string) => Promise<string>, place: string, name: string) {
  try {
    return await from(place, name)
  } catch (error) {
    throw new Unavailable('secrets', error, undefined, `${name} cannot be read`, isMissing(error))
  }
}

/** Nothing is there, or it is not for this function to read. */
function isMissing(error: unknown): boolean {
  const { name, code } = Object(error) as { name?: unknown; code?: unknown }
  return code === 'ENOENT' || name === 'ResourceNotFoundException' || name === 'AccessDeniedException'
}

async function fromFile(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8')
}

async function fromSecretsManager(prefix: string, name: string): Promise<string> {
  // Loaded when it is needed, since a laptop never does.
  const { readSecret } = await import('./secrets-manager.ts')
  return readSecret(`${prefix}${name}`)
}
