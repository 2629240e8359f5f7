/** Reads secrets: from Secrets Manager in the cloud, from files on a laptop. */

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

/** The secret does not exist, or this function may not read it. Only an operator can help. */
function isMissing(error: unknown): boolean {
  const { name, code } = Object(error) as { name?: unknown; code?: unknown }
  return code === 'ENOENT' || name === 'ResourceNotFoundException' || name === 'AccessDeniedException'
}

async function fromFile(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8')
}

async function fromSecretsManager(prefix: string, name: string): Promise<string> {
  // Loaded on demand: a laptop does not need the SDK.
  const { readSecret } = await import('./secrets-manager.ts')
  return readSecret(`${prefix}${name}`)
}
