/**
 * The local keyring's rotation: what rotate-keys does in the cloud, on the file in the data directory.
 *
 * Owns the file's replacement while brokers read it and others rotate. What a rotation is, shared/tokens/rotation.ts says.
 * Brokers that run go by the new keyring within five minutes, as warm Lambdas do.
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
import { replaceIfSame } from './data-dir.ts'
import { Problem } from './problem.ts'

/** @throws {Problem} when there is no keyring in the directory */
export async function listLocalKeys(dataDir: string, nowMs: number): Promise<readonly KeyDescription[]> {
  return describeKeyring(await readKeyringFile(dataDir), nowMs)
}

/** @throws {Problem} when it is refused, which the message explains */
export async function rotateLocalKeys(dataDir: string, nowMs: number): Promise<Rotation> {
  const { after } = await change(dataDir, (text) => rotateKeyring(text, nowMs))
  return describeRotation(after, nowMs)
}

/**
 * @param names as the list has them; `all` leaves no key that is there
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

/** Somebody who is quicker makes us derive anew, from what they made. */
async function change(
  dataDir: string,
  derive: (text: string) => Promise<KeyringChange>,
): Promise<{ readonly before: string; readonly after: string }> {
  for (;;) {
    const before = await readKeyringFile(dataDir)
    const changed = await derive(before)
    if (!changed.ok) throw new Problem(explainRefusal(changed.refusal))
    if (await replaceIfSame(keyringFile(dataDir), before, changed.text)) return { before, after: changed.text }
  }
}

async function readKeyringFile(dataDir: string): Promise<string> {
  return readFile(keyringFile(dataDir), 'utf8').catch(() => {
    throw new Problem(`There is no keyring in ${dataDir}. The local stack draws it, where DATA_DIR says.`)
  })
}

function keyringFile(dataDir: string): string {
  return join(dataDir, 'secrets', 'keyring')
}
