/**
 * Directories of a test's own.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whose end ends what it owns: a test, or all tests of a file. */
export type Owner = { after(end: () => Promise<void>): void }

/** Is gone after its owner. */
export async function directory(t: Owner): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'token-broker-test-'))
  t.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}
