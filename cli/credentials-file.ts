/**
 * Stores the sessions that were started on this machine: `sessions.json` in $TOKEN_BROKER_HOME, else in
 * ~/.config/token-broker.
 *
 * The file is replaced as a whole or not at all. Before a refresh token is spent, `Change.reserve` reserves the disk space
 * for its successor.
 */

import { randomUUID } from 'node:crypto'
import type { Stats } from 'node:fs'
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Lock, takeLock } from './lock-file.ts'
import { exitCodes, Problem, reasonOf } from './problem.ts'
import { programName } from './program-name.ts'
import { replaceFile } from './replace-file.ts'
import { finishBeforeExit } from './signals.ts'

export type StoredSession = {
  /** `{base}/{application}` */
  readonly issuer: string
  readonly clientId: string
  /** The platform whose token authenticates the client (cli/workload.ts). Public clients have none. */
  readonly workload?: string
  /** The audience of that token, unless it is the issuer. */
  readonly workloadAudience?: string
  readonly accessToken: string
  readonly accessTokenExpiresAtSeconds: number
  /** Lifetime of an access token of this client. */
  readonly accessTokenSeconds: number
  /** Valid once. Without it the session ends with its access token. */
  readonly refreshToken?: string
  readonly scope?: string
  readonly sub?: string
  readonly signedInAtSeconds: number
  /** When the session ends for good, if the broker said so. */
  readonly endsAtSeconds?: number
  /** The client's grace, if the broker said so. */
  readonly graceSeconds?: number
  /** When the last refresh got no answer that says whether it has spent the refresh token. The next success removes it. */
  readonly unansweredAtSeconds?: number
  /** When a try of it was given up without any answer. It may still reach the broker. */
  readonly lostTryAtSeconds?: number
  /** When a try with the previous refresh token was given up without an answer. It may still reach the broker. */
  readonly previousTryAtSeconds?: number
  /** Why the session ended. Its tokens are deleted; `token` repeats this until the person signs in again. */
  readonly ended?: { readonly atSeconds: number; readonly why: string }
}

/** The client of a session and how it authenticates. */
export type SessionClient = Pick<StoredSession, 'issuer' | 'clientId' | 'workload' | 'workloadAudience'>

/** A client of an application has at most one session here. */
export type SessionKey = Pick<StoredSession, 'issuer' | 'clientId'>

export type Sessions = {
  readonly sessions: readonly StoredSession[]
  /** The session that commands use if no option names another one. */
  readonly default?: SessionKey | undefined
}

export type Change = {
  readonly stored: Sessions
  /** Reserves the disk space for the next write. @throws {Problem} */
  reserve(): Promise<void>
  /** Replaces all sessions, durably. */
  write(stored: Sessions): Promise<void>
}

/** How long to wait for the lock: longer than a refresh by another process takes (`maxRefreshMs`). */
const waitMs = 45_000
const version = 1
const spareBytes = 8_192

export function credentialsPath(): string {
  const { TOKEN_BROKER_HOME, XDG_CONFIG_HOME } = process.env
  const folder = TOKEN_BROKER_HOME || join(XDG_CONFIG_HOME || join(homedir(), '.config'), 'token-broker')
  return join(folder, 'sessions.json')
}

/** @throws {Problem} when this program did not write the file, or another user could have written it */
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

/** A user who can write the file could make this program send a refresh token to another broker. */
function assertOwn({ uid, mode }: Stats, path: string): void {
  const own = process.getuid?.()
  if (own === undefined) return
  if (uid !== own) {
    throw new Problem(
      `${path} belongs to user ${uid}, but this is user ${own}. It is not used.`,
      undefined,
      `Run ${programName} as user ${uid}, or set TOKEN_BROKER_HOME to a folder of your own.`,
    )
  }
  if ((mode & 0o022) !== 0) {
    throw new Problem(
      `Other users can write ${path}. It is not used.`,
      undefined,
      `If you trust its content, run: chmod 600 ${path}. Otherwise remove it and sign in again.`,
    )
  }
}

/** Another program has written the file, or a part of it is missing. */
class Damaged extends Problem {}

/**
 * Runs a change while no other process writes. A signal during the change ends the process after it.
 *
 * @param isDone called while another process holds the lock; if it returns true, the change is skipped
 * @throws {Problem}
 */
export async function changeSessions(
  path: string,
  work: (change: Change) => Promise<void>,
  isDone: () => Promise<boolean> = async () => false,
): Promise<void> {
  const lock = await lockAt(path, isDone)
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

/**
 * Makes sure, before a person is asked to sign in, that a session can be stored. A damaged file is renamed, so that its owner can look
 * at it.
 *
 * @returns the new path of a damaged file
 * @throws {Problem}
 */
export async function prepareSessions(path: string): Promise<string | undefined> {
  const lock = await lockAt(path, async () => false)
  try {
    await readSessions(path)
    return undefined
  } catch (error) {
    if (!(error instanceof Damaged)) throw error
    const place = `${path}.broken-${Date.now()}`
    await rename(path, place)
    return place
  } finally {
    await lock?.release()
  }
}

async function lockAt(path: string, isDone: () => Promise<boolean>): Promise<Lock | undefined> {
  try {
    await makePrivate(dirname(path))
    const lock = await takeLock(`${path}.lock`, waitMs, isDone)
    if (lock !== 'held') return lock
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem(`${dirname(path)} cannot be written (${reasonOf(error)}); nothing was changed.`)
  }
  throw new Problem(
    `Another process holds ${path}.lock.`,
    exitCodes.outOfReach,
    'If it hangs, end that process; the file has its pid.',
  )
}

/** Only the owner may enter. A shared folder such as /tmp is left as it is; the mode of the file protects it there. */
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
      try {
        const draft = await opened()
        // Write over the reserved space and truncate afterwards: the disk may be full by now.
        await writeAll(draft, bytes)
        await draft.truncate(bytes.length)
        await draft.sync()
      } catch (error) {
        throw new Problem(
          `${path} cannot be written (${reasonOf(error)}).`,
          undefined,
          'Mend that, and run this again at once.',
        )
      }
      if (!(await lock.isHeld())) {
        throw new Problem(`Another process has taken over ${path}; nothing was written. Run the command again.`)
      }
      await replaceFile(name, path)
      await syncFolder(dirname(path))
    },
    close: async () => {
      await file?.close()
      await rm(name, { force: true })
    },
  }
}

/** A nearly full disk writes a part without an error. It fails only when asked to write the rest. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten
}

/** Makes the rename durable. Not every system can open a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/** Removes drafts of killed processes: they hold tokens. Only the holder of the lock may have a draft. */
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
    if (typeof written === 'number' && written > version)
      throw new Problem(`${path} was written by a newer version of token-broker. Update this installation.`)
  } catch (error) {
    if (error instanceof Problem) throw error
  }
  // Do not quote its text: it may be part of a token.
  throw new Damaged(
    `${path} was not written by token-broker, or is damaged. It was left as it is.`,
    exitCodes.failed,
    `${programName} login renames it and starts a new one.`,
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
