/**
 * Starts a command that cannot outlive this process, through a supervisor process (local/process/supervisor.ts).
 */

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type Command = {
  readonly file: string
  readonly words: readonly string[]
  /** A text that the command prints once it is ready. */
  readonly readyWhen: string
}

export type Task = {
  readonly command?: Command
  /** A directory to remove when the broker has ended. */
  readonly removeAtEnd?: string
}

/** The supervisor's messages. `pid` is the command's. */
export type Report =
  | { readonly kind: 'ready'; readonly pid?: number }
  | { readonly kind: 'ended'; readonly why: string }

export type Supervised = {
  readonly pid: number | undefined
  /** Resolves with the reason when the command has ended by itself. */
  readonly ended: Promise<string>
  /** Kills the command and removes the directory; resolves when both are gone. */
  stop(): Promise<void>
}

const supervisor = fileURLToPath(new URL('supervisor.ts', import.meta.url))

/** @throws if the command ends before it is ready. The message contains its output */
export async function supervise(task: Task): Promise<Supervised> {
  const child = fork(supervisor, [JSON.stringify(task)], {
    // Its own process group, so that a signal to ours (Ctrl-C, kill -9 of the group) does not end it before it has
    // cleaned up.
    detached: true,
    windowsHide: true,
    // If the supervisor held our pipes open, readers of our output would keep waiting.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // NODE_OPTIONS is for the broker only. A debugger port, for example, cannot be used twice.
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const gone = new Promise((resolve) => child.once('exit', resolve).once('error', resolve))
  let pid: number | undefined
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (report: Report) => {
      if (report.kind === 'ended') return reject(new Error(report.why))
      pid = report.pid
      resolve()
    })
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`the supervisor ended with exit code ${code}`)))
  })
  const ended = endOf(child, () => pid)
  try {
    await ready
  } catch (error) {
    // Kill it. Closing the channel would also remove the directory, and the caller may try again.
    child.kill('SIGKILL')
    await gone
    throw error
  }
  return { pid, ended, stop: () => release(child, gone) }
}

function endOf(child: ChildProcess, pid: () => number | undefined): Promise<string> {
  return new Promise((resolve) => {
    child.on('message', (report: Report) => {
      if (report.kind === 'ended') resolve(report.why)
    })
    child.on('exit', () => {
      const orphan = pid()
      // If the supervisor was killed, it could not kill the command.
      if (child.exitCode !== 0 && orphan !== undefined) killIfThere(orphan)
      resolve('its supervisor ended')
    })
  })
}

async function release(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (child.connected) child.disconnect()
  const late = setTimeout(() => child.kill('SIGKILL'), 1_000)
  await gone
  clearTimeout(late)
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}
