/**
 * Sessions that were signed in from this machine: `sessions.json` in $TOKEN_BROKER_HOME, else ~/.config/token-broker.
 *
 * Owns the file: its rights, its lock, and that it is replaced as a whole or not at all. Must not know how a session is
 * refreshed.
 *
 * Who is about to spend a refresh token first shows that the disk takes the next one (`Change.reserve`): the room is
 * taken before the broker is asked, and the file that is there stays as it is until the new one is on the disk.
 */

import { randomUUID } from 'node:crypto'
import { chmod, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Lock, takeLock } from './lock-file.ts'
import { exitCodes, Problem, reasonOf } from './problem.ts'

export type StoredSession = {
  /** `{base}/{application}` */
  readonly issuer: string
  readonly clientId: string
  readonly accessToken: string
  readonly accessTokenExpiresAtSeconds: number
  /** How long an access token of this client lives. */
  readonly accessTokenSeconds: number
  /** Good once. Without it the session ends with its access token. */
  readonly refreshToken?: string
  readonly scope?: string
  readonly sub?: string
  readonly signedInAtSeconds: number
}

export type Change = {
  readonly sessions: readonly StoredSession[]
  /** @throws {Problem} when the folder or the disk would not take what is going to be written */
  reserve(): Promise<void>
  /** Puts these sessions in the place of all, durably. */
  write(sessions: readonly StoredSession[]): Promise<void>
}

/** A refresh takes three tries of ten seconds at most; who waits behind one that hangs gives up. */
const waitMs = 45_000
const version = 1
const spareBytes = 8_192

export function credentialsPath(): string {
  const { TOKEN_BROKER_HOME, XDG_CONFIG_HOME } = process.env
  const folder = TOKEN_BROKER_HOME || join(XDG_CONFIG_HOME || join(homedir(), '.config'), 'token-broker')
  return join(folder, 'sessions.json')
}

/** @throws {Problem} when the file is not what this program writes */
export async function readSessions(path: string): Promise<readonly StoredSession[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Problem(`${path} cannot be read (${reasonOf(error)}).`)
  })
  return text === undefined ? [] : sessionsIn(text, path)
}

/**
 * Runs a change while nobody else writes.
 *
 * @param isNeedless asked while others hold the lock; once it is true the change is not run
 * @throws {Problem}
 */
export async function changeSessions(
  path: string,
  work: (change: Change) => Promise<void>,
  isNeedless: () => Promise<boolean> = async () => false,
): Promise<void> {
  const lock = await lockAt(path, isNeedless)
  if (lock === undefined) return
  const draft = createDraft(path, lock)
  try {
    await removeDrafts(path)
    await work({ sessions: await readSessions(path), reserve: draft.reserve, write: draft.write })
  } finally {
    await draft.close()
    await lock.release()
  }
}

/** Puts a file that nobody can read aside, for its owner to look at. @returns where it is now */
export async function setAside(path: string): Promise<string> {
  const place = `${path}.broken-${Date.now()}`
  await rename(path, place)
  return place
}

async function lockAt(path: string, isNeedless: () => Promise<boolean>): Promise<Lock | undefined> {
  try {
    await makePrivate(dirname(path))
    const lock = await takeLock(`${path}.lock`, waitMs, isNeedless)
    if (lock !== 'held') return lock
  } catch (error) {
    throw new Problem(`${dirname(path)} cannot be written (${reasonOf(error)}); nothing was spent.`)
  }
  throw new Problem(
    `Another process holds ${path}.lock.`,
    exitCodes.outOfReach,
    'If it hangs, end it: the file says which one it is.',
  )
}

/** Its owner's alone. A folder that belongs to everybody, as /tmp does, is left as it is: the file's own rights hold. */
async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { mode, uid } = await stat(folder)
  const isShared = (mode & 0o1000) !== 0 || folder === homedir()
  if ((mode & 0o077) !== 0 && !isShared && uid === process.getuid?.()) await chmod(folder, 0o700)
}

function createDraft(path: string, lock: Lock): Pick<Change, 'reserve' | 'write'> & { close(): Promise<void> } {
  const name = `${path}.${randomUUID()}.new`
  let file: FileHandle | undefined
  const opened = async () => {
    file ??= await open(name, 'wx', 0o600)
    return file
  }
  return {
    reserve: async () => {
      try {
        const { size } = await stat(path)
        await writeAll(await opened(), Buffer.alloc(size + spareBytes, ' '))
        await (await opened()).sync()
      } catch (error) {
        throw new Problem(`${path} cannot be written (${reasonOf(error)}); nothing was spent.`)
      }
    },
    write: async (sessions) => {
      const bytes = Buffer.from(`${JSON.stringify({ version, sessions }, null, 2)}\n`)
      const draft = await opened()
      // Over the room that was taken, and only then cut to length: a disk that is full by now has it still.
      await writeAll(draft, bytes)
      await draft.truncate(bytes.length)
      await draft.sync()
      if (!(await lock.isHeld())) throw new Problem(`Somebody else has taken over ${path}; nothing was written.`)
      await rename(name, path)
      await syncFolder(dirname(path))
    },
    close: async () => {
      await file?.close()
      await rm(name, { force: true })
    },
  }
}

/** From the beginning. A disk that is nearly full takes a part, and says so only when it is asked to take the rest. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten
}

/** The rename itself is on the disk only then. Not every system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/** Of processes that were killed; they hold tokens. Whoever has the lock is the only one to have one. */
async function removeDrafts(path: string): Promise<void> {
  const folder = dirname(path)
  const names = await readdir(folder)
  const stale = names.filter((name) => name.startsWith('sessions.json.') && name.endsWith('.new'))
  await Promise.all(stale.map((name) => rm(join(folder, name), { force: true })))
}

function sessionsIn(text: string, path: string): readonly StoredSession[] {
  try {
    const { version: written, sessions } = JSON.parse(text) as { version: unknown; sessions: unknown }
    if (written === version && Array.isArray(sessions) && sessions.every(isSession)) return sessions
    if (typeof written === 'number' && written > version) throw new Problem(`${path} is of a newer token-broker.`)
  } catch (error) {
    if (error instanceof Problem) throw error
  }
  // Its text is not quoted: it may be half a token.
  throw new Problem(
    `${path} is not what token-broker writes, and was left as it is.`,
    exitCodes.failed,
    'token-broker login puts it aside and begins a new one.',
  )
}

function isSession(value: unknown): value is StoredSession {
  const { issuer, clientId, accessToken, accessTokenExpiresAtSeconds } = Object(value) as Partial<StoredSession>
  const texts = [issuer, clientId, accessToken]
  return texts.every((text) => typeof text === 'string') && typeof accessTokenExpiresAtSeconds === 'number'
}
