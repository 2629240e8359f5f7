/**
 * Starts and ends the servers of the bench, each in a process of its own.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Listening } from './servers/announce.ts'

export type ServerProcess = Listening & { close(): Promise<void> }

/** @param name of the file under bench/servers, without its extension */
export async function startServer(
  name: 'broker' | 'floor',
  environment: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const child = fork(fileURLToPath(new URL(`servers/${name}.ts`, import.meta.url)), [], {
    execArgv: [],
    env: { ...process.env, ...environment },
    // The log is written as it is in the cloud, and nobody reads it: a pipe would make work for the one who measures.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
  const { url } = await listening(child, name)
  return {
    url,
    close: async () => {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}

function listening(child: ChildProcess, name: string): Promise<Listening> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Listening))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`The server "${name}" of the bench ended with exit code ${code}`)))
  })
}
