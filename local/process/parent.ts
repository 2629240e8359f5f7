/**
 * Detects that npm has ended. npm forwards SIGTERM and SIGINT, but not if it is killed with -9, and a shell in between
 * may not forward them. A process that was started without npm may outlive its parent, so it does not watch its parent.
 */

import { readFileSync } from 'node:fs'

const everyMs = 200

/** @param onGone called once */
export function watchNpm(onGone: () => void): void {
  if (process.env.npm_lifecycle_event !== 'start' && process.env.npm_lifecycle_event !== 'demo') return
  const parent = process.ppid
  const grandparent = isShell(parent) ? parentOf(parent) : undefined
  const timer = setInterval(() => {
    // An orphan gets another parent, usually process 1. If the shell in between is the orphan, we stay its child.
    const isGone = process.ppid !== parent || (grandparent !== undefined && parentOf(parent) !== grandparent)
    if (!isGone) return
    clearInterval(timer)
    onGone()
  }, everyMs)
  timer.unref()
}

/** npm runs scripts in a shell. The shell usually replaces itself by the script, but not always. */
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
