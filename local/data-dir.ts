/**
 * Files of the data directory, which several brokers and the command line may use at the same time.
 */

import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'

/** Makes a directory that only its owner can read. */
export async function privateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await chmod(path, 0o700)
}

const tryAgainMs = 20
/** https://www.sqlite.org/rescode.html#busy */
const sqliteBusy = 5

/**
 * Takes SQLite's own lock, on a database without content. The operating system frees it when the process ends, by whatever
 * means, and it works on every platform.
 *
 * @returns what frees it; undefined when another process still has it after so long
 */
export async function lock(path: string, waitMs: number): Promise<(() => void) | undefined> {
  const database = new DatabaseSync(path, { timeout: 0 })
  for (const deadline = Date.now() + waitMs; ; await pause(tryAgainMs)) {
    try {
      database.exec('BEGIN EXCLUSIVE')
      return () => database.close()
    } catch (error) {
      const isLocked = error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
      if (isLocked && Date.now() < deadline) continue
      database.close()
      if (isLocked) return undefined
      throw error
    }
  }
}

/** Writing keys takes milliseconds. */
const secretsWaitMs = 10_000

/** Runs while no other process changes the secrets of this directory. */
export async function withSecretsLocked<Result>(dataDir: string, work: () => Promise<Result>): Promise<Result> {
  const unlock = await lock(`${dataDir}/secrets.lock`, secretsWaitMs)
  if (unlock === undefined) throw new Error(`Another process has locked the secrets in ${dataDir}`)
  try {
    return await work()
  } finally {
    unlock()
  }
}

/** The file's text; where it is missing, `make` makes it first. Call it with the lock. */
export async function readOrMake(path: string, make: () => string | Promise<string>): Promise<string> {
  const text = await readIfThere(path)
  if (text !== undefined) return text
  const made = await make()
  await replace(path, made)
  return made
}

/** Writes the file as a whole, so that a reader never sees half of it. */
export async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' })
  await rename(draft, path)
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
