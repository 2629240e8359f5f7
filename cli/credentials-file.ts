/**
 * Sessions that were signed in from this machine: `sessions.json` in $TOKEN_BROKER_HOME, else ~/.config/token-broker.
 *
 * The file is replaced as a whole or not at all. Before a refresh token is spent, `Change.reserve` takes the room on the
 * disk that its successor needs; the file stays as it is until the new one is on the disk. Must not know how a session
 * is refreshed.
 */

import { randomUUID } from 'node:crypto'
import type { Stats } from 'node:fs'
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Lock, takeLock } from './lock-file.ts'
import { exitCodes, Problem, reasonOf } from './problem.ts'
import { finishBeforeExit } from './signals.ts'

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
  /** When the session ends for good, as the broker told. */
  readonly endsAtSeconds?: number
  /** The client's grace, as the broker told. */
  readonly graceSeconds?: number
  /** When a refresh got no answer that may have spent the refresh token; gone with the next answer. */
  readonly unansweredAtSeconds?: number
  /** The session is over: its tokens are gone, and `token` says this until somebody signs in again. */
  readonly ended?: { readonly atSeconds: number; readonly why: string }
}

/** A client of an application has one session here. */
export type SessionKey = Pick<StoredSession, 'issuer' | 'clientId'>

export type Sessions = {
  readonly sessions: readonly StoredSession[]
  /** The one that is meant where nothing else is said. */
  readonly default?: SessionKey | undefined
}

export type Change = {
  readonly stored: Sessions
  /** @throws {Problem} when the folder or the disk would not take what is going to be written */
  reserve(): Promise<void>
  /** Puts these in the place of all, durably. */
  write(stored: Sessions): Promise<void>
}

/** Longer than a refresh takes (`maxRefreshMs`), for those that wait until another process has done it. */
const waitMs = 45_000
const version = 1
const spareBytes = 8_192

export function credentialsPath(): string {
  const { TOKEN_BROKER_HOME, XDG_CONFIG_HOME } = process.env
  const folder = TOKEN_BROKER_HOME || join(XDG_CONFIG_HOME || join(homedir(), '.config'), 'token-broker')
  return join(folder, 'sessions.json')
}

/** @throws {Problem} when the file is not what this program writes, or another user could have written it */
export async function readSessions(path: string): Promise<Sessions> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    assertOwn(await file.stat(), path)
    return sessionsIn(await file.readFile('utf8'), path)
  } catch (error) {
    if (error instanceof Problem) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { sessions: [] }
    throw new Problem(`${path} cannot be read (${reasonOf(error)}).`)
  } finally {
    await file?.close()
  }
}

/** Whoever can write the file can make this program send a refresh token to a broker of theirs. */
function assertOwn({ uid, mode }: Stats, path: string): void {
  const own = process.getuid?.()
  if (own === undefined) return
  if (uid !== own) {
    throw new Untrusted(
      `${path} belongs to user ${uid}, and this is user ${own}. It is not used.`,
      `Run token-broker as user ${uid}, or set TOKEN_BROKER_HOME to a folder of your own.`,
    )
  }
  if ((mode & 0o022) !== 0) {
    throw new Untrusted(
      `Other users may write ${path}. It is not used.`,
      `If nobody has changed it: chmod 600 ${path}. Otherwise remove it and sign in again.`,
    )
  }
}

export class Untrusted extends Problem {
  constructor(message: string, hint: string) {
    super(message, exitCodes.failed, hint)
  }
}

/**
 * Runs a change while nobody else writes. A signal that arrives meanwhile ends the process after the change.
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
  await finishBeforeExit(async () => {
    const draft = createDraft(path, lock)
    try {
      await removeDrafts(path)
      await work({ stored: await readSessions(path), reserve: draft.reserve, write: draft.write })
    } finally {
      await draft.close()
      await lock.release()
    }
  })
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
    if (error instanceof Problem) throw error
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
    write: async ({ sessions, default: preferred }) => {
      const bytes = Buffer.from(`${JSON.stringify({ version, default: preferred, sessions }, null, 2)}\n`)
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

function sessionsIn(text: string, path: string): Sessions {
  try {
    const { version: written, sessions, ...rest } = JSON.parse(text) as { version: unknown; sessions: unknown }
    const isOurs = written === version && Array.isArray(sessions) && sessions.every(isSession)
    if (isOurs) return { sessions, default: 'default' in rest && isKey(rest.default) ? rest.default : undefined }
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

function isKey(value: unknown): value is SessionKey {
  const { issuer, clientId } = Object(value) as Partial<SessionKey>
  return typeof issuer === 'string' && typeof clientId === 'string'
}

function isSession(value: unknown): value is StoredSession {
  const { accessToken, accessTokenExpiresAtSeconds } = Object(value) as Partial<StoredSession>
  return isKey(value) && typeof accessToken === 'string' && typeof accessTokenExpiresAtSeconds === 'number'
}
