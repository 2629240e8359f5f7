/**
 * Starts and ends the servers of the bench, each in its own process.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CpuTime, Listening, Question, Sessions } from './servers/announce.ts'

export type ServerProcess = Listening & {
  /** The CPU time that the process has used so far, ms. */
  cpuMs(): Promise<number>
  /** Starts sessions at a peer, and returns their refresh tokens. */
  sessions(count: number): Promise<readonly string[]>
  close(): Promise<void>
}

/** @param name of the file under bench/servers, or `../peers/servers/…`, without its extension */
export async function startServer(name: string, environment: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const child = fork(fileURLToPath(new URL(`servers/${name}.ts`, import.meta.url)), [], {
    execArgv: [],
    env: { ...process.env, ...environment },
    // The server writes its log as in the cloud, but the log is discarded: reading a pipe would disturb the measurement.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
  const { url } = await nextMessage<Listening>(child, name)
  const ask = <Answer>(question: Question) => {
    const answer = nextMessage<Answer>(child, name)
    child.send(question)
    return answer
  }
  return {
    url,
    cpuMs: async () => (await ask<CpuTime>({ cpuTime: true })).cpuMs,
    sessions: async (count) => (await ask<Sessions>({ sessions: count })).refreshTokens,
    close: async () => {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}

function nextMessage<Message>(child: ChildProcess, name: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) =>
      reject(new Error(`The server "${name}" of the bench ended with exit code ${code}`))
    child.once('message', (message) => {
      child.off('exit', ended).off('error', reject)
      resolve(message as Message)
    })
    child.once('error', reject)
    child.once('exit', ended)
  })
}
