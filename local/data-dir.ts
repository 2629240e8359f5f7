/**
 * Files of the data directory, which several brokers and the command line may use at the same time.
 */

import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { Problem } from './problem.ts'

/** Creates a directory that only its owner can read. */
export async function privateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await chmod(path, 0o700)
}

const tryAgainMs = 20
/** https://www.sqlite.org/rescode.html#busy */
const sqliteBusy = 5

/**
 * Takes SQLite's file lock on an empty database. It works on every platform, and the operating system releases it however
 * the process ends.
 *
 * @returns a function that releases the lock; undefined if another process still holds it after `waitMs`
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

/** Runs `work` while no other process can change the secrets of this directory. */
export async function withSecretsLocked<Result>(dataDir: string, work: () => Promise<Result>): Promise<Result> {
  const unlock = await lock(`${dataDir}/secrets.lock`, secretsWaitMs)
  if (unlock === undefined) {
    throw new Problem(`Another process holds the lock ${dataDir}/secrets.lock. Try again, or end that process.`)
  }
  try {
    return await work()
  } finally {
    unlock()
  }
}

/** Reads the file. If it is missing, writes what `make` returns first. Hold the lock when you call it. */
export async function readOrMake(path: string, make: () => string | Promise<string>): Promise<string> {
  const text = await readIfThere(path)
  if (text !== undefined) return text
  const made = await make()
  await replace(path, made)
  return made
}

/** Replaces the file atomically, so that a reader never sees half of it. */
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
