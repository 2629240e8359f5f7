/**
 * Notices that npm is gone.
 *
 * Owns who this process's parents are. npm passes SIGTERM and SIGINT on, but when it is killed with -9, or when a shell
 * stands in between that passes on nothing, nobody tells us. Started without npm, a process may well outlive its parent
 * (a shell that put it into the background), so then nothing is watched.
 */

import { readFileSync } from 'node:fs'

const everyMs = 200

/** @param onGone called once */
export function watchNpm(onGone: () => void): void {
  if (process.env.npm_lifecycle_event !== 'start' && process.env.npm_lifecycle_event !== 'demo') return
  const parent = process.ppid
  const grandparent = isShell(parent) ? parentOf(parent) : undefined
  const timer = setInterval(() => {
    // An orphan is given to another process, as a rule to process 1; so is the shell in between, whose child we stay.
    const isGone = process.ppid !== parent || (grandparent !== undefined && parentOf(parent) !== grandparent)
    if (!isGone) return
    clearInterval(timer)
    onGone()
  }, everyMs)
  timer.unref()
}

/** npm runs scripts in a shell, which most often, but not always, has become the script. */
function isShell(pid: number): boolean {
  return /\((?:ba|da|a|k|z)?sh\)/.test(statOf(pid) ?? '')
}

function parentOf(pid: number): number | undefined {
  const [, parent] = /\) \S (\d+)/.exec(statOf(pid) ?? '') ?? []
  return parent === undefined ? undefined : Number(parent)
}

/** proc(5): `pid (name) state ppid …`; undefined where there is no /proc. */
function statOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
}
