/**
 * A lock that processes share through a file, and that outlives none of them.
 *
 * Owns who holds it, and how it is taken from one who is gone. Must not know what it protects.
 *
 *     <path>                        the holder: pid, when that process began, machine, a name drawn for this lock
 *     <path>.<name>                 whoever takes over from the holder of that name; the same rules hold for it
 *
 * A file is made whole under a name of its own and then linked, which succeeds for one process alone. To take over from
 * a dead holder one has to link to that holder's own name first, and only then looks whether it is still the holder: so two
 * that find it dead at the same time cannot both replace it, nor one of them replace the other's live lock.
 */

import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

type Holder = { readonly pid: number; readonly began: string; readonly machine: string; readonly name: string }

export type Lock = {
  /** Whether nobody has taken it over, for a process that was stopped for a long time. */
  isHeld(): Promise<boolean>
  release(): Promise<void>
}

/** Nobody holds it for so long; of a holder on another machine, or of a reused pid, it is all that can be known. */
const longestHeldMs = 120_000
const firstPauseMs = 10
const longestPauseMs = 100

/**
 * @param untilMs how long to wait for others
 * @param meanwhile asked after each pause; once it is true there is no need for the lock any more
 * @returns undefined: there is no need any more; 'held': somebody else holds it still
 */
export async function takeLock(
  path: string,
  waitMs: number,
  meanwhile: () => Promise<boolean>,
): Promise<Lock | undefined | 'held'> {
  const deadline = Date.now() + waitMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    const own = await draft(path)
    try {
      if ((await linked(own.file, path)) || (await takenOver(path, own))) return lockOf(path, own.holder.name)
    } finally {
      await rm(own.file, { force: true })
    }
    if (Date.now() > deadline) return 'held'
    await pause(pauseMs * (0.5 + Math.random() / 2))
    if (await meanwhile()) return undefined
  }
}

type Draft = { readonly file: string; readonly holder: Holder }

async function draft(path: string): Promise<Draft> {
  const name = randomUUID()
  const holder = { pid: process.pid, began: (await beginOf(process.pid)) ?? '', machine: hostname(), name }
  const file = `${path}.${name}.draft`
  await writeFile(file, JSON.stringify(holder), { mode: 0o600, flag: 'wx' })
  return { file, holder }
}

function lockOf(path: string, name: string): Lock {
  const isHeld = async () => (await holderIn(path))?.name === name
  return {
    isHeld,
    release: async () => {
      if (await isHeld()) await rm(path, { force: true })
    },
  }
}

/** Puts our draft in the place of a dead holder's lock. */
async function takenOver(path: string, own: Draft): Promise<boolean> {
  const dead = await deadHolder(path)
  if (dead === undefined) return false
  const claim = `${path}.${dead}`
  if (!(await linked(own.file, claim)) && !(await takenOver(claim, own))) return false
  try {
    // It may have been replaced before we had the claim.
    if ((await deadHolder(path)) !== dead) return false
    const second = `${own.file}.lock`
    await link(own.file, second)
    await rename(second, path)
    return true
  } finally {
    await rm(claim, { force: true })
  }
}

/** @returns the name of the holder, if it is gone for good; of a file that nobody can read, what stands for it */
async function deadHolder(path: string): Promise<string | undefined> {
  const ageMs = await ageOf(path)
  if (ageMs === undefined) return undefined
  const holder = await holderIn(path)
  if (holder === undefined) return ageMs > longestHeldMs ? 'unreadable' : undefined
  if (holder.machine !== hostname()) return ageMs > longestHeldMs ? holder.name : undefined
  if (!isAlive(holder.pid)) return holder.name
  const began = await beginOf(holder.pid)
  if (began !== undefined && holder.began !== '') return began === holder.began ? undefined : holder.name
  return ageMs > longestHeldMs ? holder.name : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When a process began, where the system tells: a pid is given to others later. */
async function beginOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // proc(5): the 22nd field; the second is a name in brackets, which may hold spaces.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

async function holderIn(path: string): Promise<Holder | undefined> {
  try {
    const { pid, began, machine, name } = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>
    if (typeof pid !== 'number' || typeof machine !== 'string' || !/^[\w-]{36}$/.test(name ?? '')) return undefined
    return { pid, machine, began: String(began ?? ''), name: name! }
  } catch {
    return undefined
  }
}

async function ageOf(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch {
    return undefined
  }
}

async function linked(file: string, path: string): Promise<boolean> {
  try {
    await link(file, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
