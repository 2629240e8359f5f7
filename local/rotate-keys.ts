/**
 * Lists, rotates and retires the keys in a data directory, as the function rotate-keys does in the cloud. Running brokers
 * use the new keyring within five minutes, as warm Lambdas do.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  describeKeyring,
  describeRetirement,
  describeRotation,
  type KeyDescription,
  type Retirement,
  type Rotation,
} from '../shared/tokens/keyring-report.ts'
import { explainRefusal, type KeyringChange, retireKeys, rotateKeyring } from '../shared/tokens/rotation.ts'
import { replace, withSecretsLocked } from './data-dir.ts'
import { Problem } from './problem.ts'

/** @throws {Problem} when there is no keyring in the directory */
export async function listLocalKeys(dataDir: string, nowMs: number): Promise<readonly KeyDescription[]> {
  return describeKeyring(await readKeyringFile(dataDir), nowMs)
}

/** @throws {Problem} that explains a refusal */
export async function rotateLocalKeys(dataDir: string, nowMs: number): Promise<Rotation> {
  const { after } = await change(dataDir, (text) => rotateKeyring(text, nowMs))
  return describeRotation(after, nowMs)
}

/**
 * @param names of keys as in the list, or `all` of them
 * @throws {Problem} as above
 */
export async function retireLocalKeys(
  dataDir: string,
  names: readonly string[] | 'all',
  nowMs: number,
): Promise<Retirement> {
  const { before, after } = await change(dataDir, (text) => retireKeys(text, names, nowMs))
  return describeRetirement(before, after, nowMs)
}

async function change(
  dataDir: string,
  derive: (text: string) => Promise<KeyringChange>,
): Promise<{ readonly before: string; readonly after: string }> {
  // Check this before taking the lock, which creates a file in the directory.
  await readKeyringFile(dataDir)
  return withSecretsLocked(dataDir, async () => {
    const before = await readKeyringFile(dataDir)
    const changed = await derive(before)
    if (!changed.ok) throw new Problem(explainRefusal(changed.refusal))
    await replace(keyringFile(dataDir), changed.text)
    return { before, after: changed.text }
  })
}

async function readKeyringFile(dataDir: string): Promise<string> {
  return readFile(keyringFile(dataDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Problem(
      error.code === 'ENOENT'
        ? `There is no keyring in ${dataDir}. Name the DATA_DIR of a local stack; npm start creates its keyring.`
        : `The keyring in ${dataDir} cannot be read (${error.code}).`,
    )
  })
}

function keyringFile(dataDir: string): string {
  return join(dataDir, 'secrets', 'keyring')
}
