/**
 * Files on which several brokers that start at the same time agree: the first one writes, the others read what it wrote.
 *
 * Owns how that is done, and how a file is replaced, without a lock that could be left behind. Must not know what is in the files.
 */

import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

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
    await linked(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  return readFile(path, 'utf8')
}

/** Writes the file as a whole, whether it is there or not. */
export async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await rename(await written(path, text), path)
}

/** Whoever holds a claim renames or removes it within milliseconds; after so long they are gone. */
const claimAbandonedMs = 5_000
const claimAgainMs = 20

/**
 * Replaces the file as a whole, if it still holds what was seen there. The new text is first put beside the file under a
 * name that only one can have, and its renaming is the replacement: so it happens once, and nobody is left out or undone.
 *
 * @returns false when the file holds something else by now
 */
export async function replaceIfSame(path: string, seen: string, text: string): Promise<boolean> {
  const claim = `${path}.claim`
  while (!(await claimed(claim, text))) await waitFor(claim)
  if ((await readFile(path, 'utf8')) !== seen) {
    await rm(claim, { force: true })
    return false
  }
  await rename(claim, path)
  return true
}

/** Written anew each time, so that a claim is as old as it says. */
async function claimed(claim: string, text: string): Promise<boolean> {
  const draft = await written(claim, text)
  try {
    return await linked(draft, claim)
  } finally {
    await rm(draft, { force: true })
  }
}

async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

/** A claim whose owner was killed is taken away: what it was for never happened, and nobody was told that it had. */
async function waitFor(claim: string): Promise<void> {
  const { mtimeMs = Date.now() } = await stat(claim).catch(() => ({}) as { mtimeMs?: number })
  if (Date.now() - mtimeMs > claimAbandonedMs) await rm(claim, { force: true })
  else await pause(claimAgainMs)
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
