/**
 * The process of a group of test files: `node test/support/group.ts <file> …`. Each file is a suite, so that its hooks
 * are its own, and one comes after the other.
 *
 * Owns what files must not leave to the next one: the environment. Must not know which files there are.
 */

import { before, suite } from 'node:test'
import { pathToFileURL } from 'node:url'

const environment = { ...process.env }

// Ended because it hangs: what files have to do at the end of their process is done all the same.
process.once('SIGTERM', () => process.exit(1))

for (const file of process.argv.slice(2)) {
  suite(file, async () => {
    before(restore)
    await import(pathToFileURL(file).href)
  })
}

function restore(): void {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
}
