/**
 * A small process between the broker and what it starts: when the broker is gone, by whatever means (kill -9 included),
 * this one notices, kills the command, removes the temporary directory, and ends.
 *
 * Owns the command's life. Must not know what the command does, and must not import anything that is slow to load.
 * It is forked by local/process/supervise.ts, which also has the types of what is said between the two.
 */

import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import type { Report, Task } from './supervise.ts'

const task = JSON.parse(process.argv[2] ?? '{}') as Task

// A signal to the whole process group is meant for the broker, which says when it is done by closing the channel.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const kill = task.command === undefined ? () => {} : start(task.command)

process.on('disconnect', () => {
  kill()
  if (task.removeAtEnd !== undefined) rmSync(task.removeAtEnd, { recursive: true, force: true, maxRetries: 3 })
  process.exit(0)
})
if (task.command === undefined) report({ kind: 'ready' })
if (!process.connected) process.emit('disconnect')

/** @returns what kills it */
function start({ file, words, readyWhen }: NonNullable<Task['command']>): () => void {
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
  let said = ''
  const listen = (chunk: string) => {
    // What comes after the first lines is read, so that the pipe stays empty, and dropped.
    if (said.includes(readyWhen)) return
    said += chunk
    if (said.includes(readyWhen)) report({ kind: 'ready', pid: child.pid })
  }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', listen)
  child.on('error', (error) => report({ kind: 'ended', why: error.message }))
  child.on('close', (code, signal) =>
    report({ kind: 'ended', why: `${signal ?? `exit code ${code}`}. ${said.trim()}` }),
  )
  // Each write that was acknowledged is on disk, so there is nothing that a politer signal would save.
  return () => child.kill('SIGKILL')
}

function report(message: Report): void {
  if (process.connected) process.send?.(message)
}
