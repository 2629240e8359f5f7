/**
 * Files on which several brokers that start at the same time agree: the first one writes, the others read what it wrote.
 *
 * Owns how that is done without a lock. Must not know what is in the files.
 */

import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes a directory that is its owner's alone. */
export async function privateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await chmod(path, 0o700)
}

/**
 * The text of the file; where it is missing, `make` makes it first. A link exists as a whole or not at all, and cannot
 * replace another: so nobody reads half a file, and all read the same.
 */
export async function agreeOn(path: string, make: () => string | Promise<string>): Promise<string> {
  const there = await readIfThere(path)
  if (there !== undefined) return there
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = await written(path, await make())
  try {
    await link(draft, path)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  } finally {
    await rm(draft, { force: true })
  }
  return readFile(path, 'utf8')
}

/** Replaces the file as a whole. */
export async function replace(path: string, text: string): Promise<void> {
  await rename(await written(path, text), path)
}

async function written(path: string, text: string): Promise<string> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' })
  return draft
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
