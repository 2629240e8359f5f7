/**
 * A lock that processes share through a file. Another process takes it over when its holder has died.
 *
 * The file names its holder. Only the process that has the lock `<path>.<name of the dead holder>` may replace that
 * holder, so two processes that find it dead cannot both do so.
 */

import { randomUUID } from 'node:crypto'
import { open, readFile, readlink, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { replaceFile } from './replace-file.ts'
import { finishBeforeExit } from './signals.ts'

type Holder = {
  readonly pid: number
  /** When the process began, because the system reuses pids. Empty if the system does not say. */
  readonly began: string
  readonly machine: string
  /** A UUID of this lock. */
  readonly name: string
}

export type Lock = {
  /** False if another process has taken it over because this one was stopped for too long. */
  isHeld(): Promise<boolean>
  release(): Promise<void>
}

/** An older lock counts as free if its holder cannot be checked: it is on another machine, or the file is unreadable. */
const maxHeldMs = 120_000
/** Stands in for the start time of a process that has ended, but that its parent has not reaped. */
const zombie = 'ended'
const firstPauseMs = 10
const maxPauseMs = 100

/**
 * @param isDone called after each pause; if it returns true, the lock is not needed any more
 * @returns undefined if `isDone`; 'held' if another process still holds the lock after `waitMs`
 */
export async function takeLock(
  path: string,
  waitMs: number,
  isDone: () => Promise<boolean>,
): Promise<Lock | undefined | 'held'> {
  const deadline = Date.now() + waitMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(maxPauseMs, pauseMs * 1.5)) {
    const name = await acquire(path)
    if (name !== undefined) return lockOf(path, name)
    if (Date.now() > deadline) return 'held'
    await pause(pauseMs * (0.5 + Math.random() / 2))
    if (await isDone()) return undefined
  }
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

/** @returns the name of our lock, or undefined if another process has it */
async function acquire(path: string): Promise<string | undefined> {
  const created = await create(path)
  if (created !== undefined) return created
  const dead = await deadHolder(path)
  if (dead === undefined) return undefined
  const right = `${path}.${dead}`
  const name = await acquire(right)
  if (name === undefined) return undefined
  // Another process may have replaced the holder before we got the right to.
  if ((await deadHolder(path)) === dead) {
    await replaceFile(right, path)
    return name
  }
  await rm(right, { force: true })
  return undefined
}

async function create(path: string): Promise<string | undefined> {
  const name = randomUUID()
  const holder: Holder = { pid: process.pid, began: await beginOf(process.pid), machine: await machine(), name }
  try {
    // A file that does not name its holder would block others for `maxHeldMs`.
    await finishBeforeExit(() => writeWhole(path, JSON.stringify(holder)))
    return name
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
}

/** Creates the file, or leaves none behind. */
async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** Processes see each other's pids only on the same host, and in the same PID namespace of Linux. */
async function machine(): Promise<string> {
  return `${hostname()} ${await readlink('/proc/self/ns/pid').catch(() => '')}`.trim()
}

/** @returns the name of the holder if it is dead, or 'unreadable' for an old file that names none */
async function deadHolder(path: string): Promise<string | undefined> {
  const isOld = await isOlderThan(path, maxHeldMs)
  const holder = await holderIn(path)
  if (holder === undefined) return isOld ? 'unreadable' : undefined
  if (holder.machine !== (await machine())) return isOld ? holder.name : undefined
  if (!isAlive(holder.pid)) return holder.name
  const began = await beginOf(holder.pid)
  const isDead = began !== '' && holder.began !== '' ? began !== holder.began : isOld
  return isDead ? holder.name : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function beginOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // proc(5): field 3 is the state, field 22 the start time. Field 2 is a name in brackets that may hold spaces.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? zombie : (fields[19] ?? '')
  } catch {
    return ''
  }
}

/** @returns undefined if the file is gone, or not written yet */
async function holderIn(path: string): Promise<Holder | undefined> {
  try {
    const { pid, began, machine, name } = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>
    if (typeof pid !== 'number' || typeof machine !== 'string' || !/^[\w-]{36}$/.test(name ?? '')) return undefined
    return { pid, machine, began: String(began ?? ''), name: name! }
  } catch {
    return undefined
  }
}

async function isOlderThan(path: string, ageMs: number): Promise<boolean> {
  const status = await stat(path).catch(() => undefined)
  return status !== undefined && Date.now() - status.mtimeMs > ageMs
}
