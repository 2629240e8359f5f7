/**
 * A small process between the broker and a command. However the broker ends (kill -9 included), the supervisor kills the
 * command, removes the temporary directory and ends. It imports nothing that is slow to load.
 */

import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import type { Report, Task } from './supervise.ts'

const task = JSON.parse(process.argv[2] ?? '{}') as Task

// Ignore signals: they are for the broker, which closes the channel when it is done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const kill = task.command === undefined ? () => {} : start(task.command)

process.on('disconnect', () => {
  kill()
  if (task.removeAtEnd !== undefined) rmSync(task.removeAtEnd, { recursive: true, force: true, maxRetries: 3 })
  process.exit(0)
})
if (task.command === undefined) report({ kind: 'ready' })
if (!process.connected) process.emit('disconnect')

/** @returns a function that kills the command */
function start({ file, words, readyWhen }: NonNullable<Task['command']>): () => void {
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
  let said = ''
  const listen = (chunk: string) => {
    // Later output is read and discarded, so that the pipe does not fill up.
    if (said.includes(readyWhen)) return
    said += chunk
    if (said.includes(readyWhen)) report({ kind: 'ready', pid: child.pid })
  }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', listen)
  child.on('error', (error) => report({ kind: 'ended', why: error.message }))
  child.on('close', (code, signal) =>
    report({ kind: 'ended', why: `${signal ?? `exit code ${code}`}. ${said.trim()}` }),
  )
  // Every acknowledged write is on disk, so SIGKILL loses nothing.
  return () => child.kill('SIGKILL')
}

function report(message: Report): void {
  if (process.connected) process.send?.(message)
}
