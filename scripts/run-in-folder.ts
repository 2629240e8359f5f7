/** The frame of a command that proves something about the whole product on this machine, such as `npm run fuzz`. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CannotRun } from './python-packages.ts'

export type InFolder = {
  /** For the command's files. Deleted unless the command fails. */
  readonly folder: string
  /** Runs this when the command ends, after what was added later. */
  readonly atEnd: (end: () => unknown) => void
}

/**
 * Sets the exit code: 0 done, 1 failed, 3 this machine cannot run it.
 *
 * @param name names the folder
 * @param helpAfterFailure what to do next, for the person at the terminal
 */
export async function runInFolder(
  name: string,
  work: (within: InFolder) => Promise<void>,
  helpAfterFailure: (folder: string) => string,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `token-broker-${name}-`))
  const ends: (() => unknown)[] = []
  let isKept = false
  try {
    await work({ folder, atEnd: (end) => ends.unshift(end) })
  } catch (error) {
    isKept = !(error instanceof CannotRun)
    process.exitCode = isKept ? 1 : 3
    console.error(error instanceof Error ? error.message : error)
    if (isKept) console.error(helpAfterFailure(folder))
  } finally {
    for (const end of ends) await end()
    if (!isKept) await rm(folder, { recursive: true, force: true })
  }
}
