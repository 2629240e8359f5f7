/**
 * The local stack's own DynamoDB: the embedded one, in memory or in a file of the data directory.
 *
 * Owns its process and its place. Must not know what is kept in it. Brokers that share a data directory share one
 * process, for the file must not be opened twice: a small file names the port and an id, and a mark in the database
 * itself (loca./dynamodb/mark.ts) tells that who listens there is indeed the one that serves this directory.
 */

import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { agreeOn, replace } from './data-dir.ts'
import { findMark, putMark } from './dynamodb/mark.ts'
import { freePort, loopback } from './ports.ts'
import { Problem } from './problem.ts'
import { type Supervised, supervise } from './process/supervise.ts'
import { NobodyServes, type Part, type Role, serveOrFollow } from './serve-or-follow.ts'

export type LocalDynamodb = { readonly endpoint: string; readonly role: Role; stop(): Promise<void> }

export type DynamodbOptions = {
  /** Where the database file is kept, an absolute path; in memory without it. */
  readonly dataDir?: string
  /** A directory that is removed when this process is gone. */
  readonly removeAtEnd?: string
  readonly log: (line: string) => void
}

export class NoEmbeddedDynamodb extends Problem {
  constructor() {
    super(
      `No DynamoDB comes with the package for ${process.platform}-${process.arch}. Set AWS_ENDPOINT_URL_DYNAMODB to one, ` +
        'for example http://127.0.0.1:8000 of DynamoDB Local.',
    )
  }
}

type Place = { readonly port: number; readonly id: string }

const tries = 5
const startWithinMs = 2_000

/** @throws {NoEmbeddedDynamodb} */
export async function startDynamodb({ dataDir, removeAtEnd, log }: DynamodbOptions): Promise<LocalDynamodb> {
  const file = embedded()
  return dataDir === undefined ? inMemory(file, removeAtEnd, log) : inDirectory(file, dataDir, log)
}

function embedded(): string {
  try {
    const require = createRequire(import.meta.url)
    return join(dirname(require.resolve(`@dynoxide/${process.platform}-${process.arch}/package.json`)), 'dynoxide')
  } catch {
    throw new NoEmbeddedDynamodb()
  }
}

async function inMemory(file: string, removeAtEnd: string | undefined, log: DynamodbOptions['log']) {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const started = await launch(file, port, { ...(removeAtEnd === undefined ? {} : { removeAtEnd }) })
    if (started !== undefined) {
      let stopped = false
      void started.ended.then((why) => stopped || log(`The local DynamoDB has ended, and its data with it: ${why}`))
      return {
        endpoint: endpointAt(port),
        role: 'serving' as const,
        stop: () => {
          stopped = true
          return started.stop()
        },
      }
    }
    if (attempt === tries) throw new Error('The local DynamoDB found no free port')
  }
}

async function inDirectory(file: string, dataDir: string, log: DynamodbOptions['log']): Promise<LocalDynamodb> {
  const note = join(dataDir, 'dynamodb.json')
  for (let attempt = 1; ; attempt += 1) {
    const place = placeIn(await agreeOn(note, newPlace))
    const endpoint = endpointAt(place?.port ?? 0)
    try {
      if (place === undefined) throw new Elsewhere()
      const membership = await serveOrFollow({
        follow: () => follow(place),
        serve: () => serve(file, place, join(dataDir, 'dynamodb.db')),
        changed: (role) =>
          log(role === 'serving' ? 'This broker now runs the local DynamoDB.' : 'Using the local DynamoDB again.'),
        lost: (error) => log(`The local DynamoDB is gone: ${error instanceof Error ? error.message : error}`),
      })
      return { endpoint, role: membership.role, stop: membership.stop }
    } catch (error) {
      const isLost = error instanceof Elsewhere || error instanceof NobodyServes
      if (!isLost || attempt === tries) throw error
      await replace(note, await newPlace())
      // Others that start just now may have replaced it too; after this, all read the last one.
      await pause(100)
    }
  }
}

/** The port of the note belongs to something else by now. */
class Elsewhere extends Error {}

async function newPlace(): Promise<string> {
  return JSON.stringify({ port: await freePort(), id: randomUUID() })
}

function placeIn(note: string): Place | undefined {
  try {
    const { port, id } = JSON.parse(note) as Partial<Place>
    return Number.isInteger(port) && typeof id === 'string' ? { port: Number(port), id } : undefined
  } catch {
    return undefined
  }
}

async function follow({ port, id }: Place): Promise<Part | undefined> {
  for (const deadline = Date.now() + startWithinMs; ; await pause(20)) {
    const mark = await findMark(endpointAt(port), id)
    if (mark === 'nobody') return undefined
    if (mark === 'there') return connection(port)
    // Between its start and its mark a DynamoDB of ours looks like somebody else's.
    if (mark === 'not a DynamoDB' || Date.now() > deadline)
      throw new Elsewhere(`Port ${port} has become somebody else's`)
  }
}

/** A connection that is never used: its end tells at once that the process at the other end is gone. */
function connection(port: number): Part {
  const socket = connect(port, loopback)
  const ended = new Promise((resolve) => socket.on('close', resolve))
  socket.on('error', () => {}).resume()
  return {
    ended,
    stop: async () => {
      socket.destroy()
      await ended
    },
  }
}

async function serve(file: string, { port, id }: Place, path: string): Promise<Part | undefined> {
  const started = await launch(file, port, { path })
  if (started === undefined) return undefined
  await putMark(endpointAt(port), id)
  return started
}

/** @returns undefined when the port, or the database file, is somebody else's */
async function launch(
  file: string,
  port: number,
  { path, removeAtEnd }: { path?: string; removeAtEnd?: string },
): Promise<Supervised | undefined> {
  const words = ['--host', loopback, '--port', String(port), ...(path === undefined ? [] : ['--db-path', path])]
  try {
    return await supervise({
      command: { file, words, readyWhen: 'listening on' },
      ...(removeAtEnd === undefined ? {} : { removeAtEnd }),
    })
  } catch (error) {
    if (error instanceof Error && /in use|is locked/i.test(error.message)) return undefined
    throw error
  }
}

const endpointAt = (port: number) => `http://${loopback}:${port}`
