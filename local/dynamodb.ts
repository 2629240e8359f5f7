/**
 * Starts the local stack's own DynamoDB, in memory or in the data directory. Only one broker at a time may use the
 * directory.
 */

import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { lock } from './data-dir.ts'
import { type Engine, findEngine } from './dynamodb/engine.ts'
import { freePort, loopback } from './ports.ts'
import { Problem } from './problem.ts'
import { type Supervised, supervise } from './process/supervise.ts'

export type LocalDynamodb = {
  readonly endpoint: string
  /** The engine's name, for people. */
  readonly engine: string
  stop(): Promise<void>
}

export type DynamodbOptions = {
  /** Absolute path of the directory for the data. @default the data are in memory */
  readonly dataDir?: string
  /** A directory that is removed when this process has ended. */
  readonly removeAtEnd?: string
  /** @default the one for this machine */
  readonly engine?: Engine
  readonly log: (line: string) => void
}

const maxTries = 5
/** Java takes seconds on a busy machine. */
const listensWithinMs = 15_000
/** A broker that is shutting down holds its directory for this long (docs/local-stack.md). */
const lockedWithinMs = 2_000

/** @throws {Problem} when there is no engine for this machine, or another broker uses the directory */
export async function startDynamodb(options: DynamodbOptions): Promise<LocalDynamodb> {
  const { dataDir, removeAtEnd, engine = findEngine(), log } = options
  const unlock = dataDir === undefined ? () => {} : await lockDirectory(dataDir)
  try {
    const { port, started } = await launch(engine, dataDir, removeAtEnd)
    let stopped: Promise<void> | undefined
    void started.ended.then((why) => {
      const lost = dataDir === undefined ? ', and its data are lost' : ''
      if (stopped === undefined) log(`The local DynamoDB has ended${lost}. Start the stack again. Reason: ${why}`)
    })
    return {
      endpoint: `http://${loopback}:${port}`,
      engine: engine.name,
      stop: () => {
        stopped ??= started.stop().then(unlock)
        return stopped
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

async function launch(engine: Engine, dataDir?: string, removeAtEnd?: string) {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort()
    const started = await tryLaunch(engine, port, dataDir, removeAtEnd)
    if (started !== undefined) {
      await listening(port, started)
      return { port, started }
    }
    if (tries === maxTries) throw new Error('The local DynamoDB found no free port')
  }
}

/** @returns undefined when another program took the port in the meantime */
async function tryLaunch(
  engine: Engine,
  port: number,
  dataDir?: string,
  removeAtEnd?: string,
): Promise<Supervised | undefined> {
  const command = engine.command(port, dataDir)
  try {
    return await supervise({ command, ...(removeAtEnd === undefined ? {} : { removeAtEnd }) })
  } catch (error) {
    if (error instanceof Error && /in use/i.test(error.message)) return undefined
    throw error
  }
}

/** Waits until the port accepts connections: DynamoDB Local says that it is ready shortly before it listens. */
async function listening(port: number, started: Supervised): Promise<void> {
  let ended: string | undefined
  void started.ended.then((why) => (ended = why))
  for (const deadline = Date.now() + listensWithinMs; !(await accepts(port)); await pause(50)) {
    if (ended === undefined && Date.now() < deadline) continue
    await started.stop()
    throw new Error(`The local DynamoDB does not start: ${ended ?? 'it does not listen'}`)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, loopback)
    const answer = (isListening: boolean) => {
      socket.destroy()
      resolve(isListening)
    }
    socket.once('connect', () => answer(true)).once('error', () => answer(false))
  })
}

/** @throws {Problem} when another broker uses the directory */
async function lockDirectory(dataDir: string): Promise<() => void> {
  const release = await lock(join(dataDir, 'dynamodb.lock'), lockedWithinMs)
  if (release !== undefined) return release
  throw new Problem(
    `Another broker runs on DATA_DIR ${dataDir}. End it, or set DATA_DIR to another directory. To let several brokers ` +
      'share a table, run a DynamoDB separately and set AWS_ENDPOINT_URL_DYNAMODB to its address.',
  )
}
