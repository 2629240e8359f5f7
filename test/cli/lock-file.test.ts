/** The lock that processes share, when a signal ends its holder. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { takeLock } from '../../cli/lock-file.ts'
import { runScript } from '../local/support/child.ts'
import { directory } from '../local/support/directory.ts'

test('a process that a signal ends while it creates the lock leaves no lock that others wait for', async (t) => {
  const path = join(await directory(t), 'lock')
  // Blocks the thread until the file is there, so that the signal comes before anything is written to it.
  const program = `
    import { existsSync } from 'node:fs'
    import { takeLock } from './cli/lock-file.ts'
    import { endOnSignals } from './cli/signals.ts'
    endOnSignals()
    takeLock('${path}', 0, async () => false)
    const look = () => {
      for (const until = Date.now() + 5; Date.now() < until; ) if (existsSync('${path}')) return process.emit('SIGTERM')
      setImmediate(look)
    }
    look()
    setInterval(() => {}, 1_000)`
  const child = runScript(program)
  t.after(() => child.process.kill('SIGKILL'))
  assert.equal((await child.ended).code, 143, child.output.stderr)
  const lock = await takeLock(path, 0, async () => false)
  assert.ok(typeof lock === 'object', 'the lock can be taken at once')
  await lock.release()
})
