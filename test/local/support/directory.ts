/**
 * Directories of a test's own.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** Is gone after the test. */
export async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'token-broker-test-'))
  t.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}
