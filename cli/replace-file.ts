/** Replaces one file by another in one step. */

import { rename } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

const maxTries = 50
const pauseMs = 20

/** Windows refuses to replace a file for as long as another process reads it. */
export async function replaceFile(from: string, to: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await rename(from, to)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (process.platform !== 'win32' || tries === maxTries || (code !== 'EPERM' && code !== 'EACCES')) throw error
      await pause(pauseMs)
    }
  }
}
