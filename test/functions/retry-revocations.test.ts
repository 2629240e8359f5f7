/** The function that revokes at the provider again and again, when the table fails. The flows have the rest (B17). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { handler } from '../../functions/retry-revocations.ts'
import { contextOf } from '../../local/gateway/event.ts'
import { configFrom } from '../../shared/config.ts'
import { composeParts, setProcessParts } from '../../shared/parts.ts'
import { Unavailable } from '../../shared/unavailable.ts'

test('a run that the table fails ends only when nothing is under way any more', async (t) => {
  t.after(() => setProcessParts(undefined))
  const parts = composeParts(configFrom({ TABLE_NAME: 'table', SECRETS: 'file:/nowhere' }))
  const slow = Promise.withResolvers<undefined>()
  setProcessParts({
    ...parts,
    revocations: {
      async *due() {
        yield ['failing', 'slow']
      },
    },
    families: {
      ...parts.families,
      read: (sid) => (sid === 'slow' ? slow.promise : Promise.reject(new Unavailable('store', undefined))),
    },
  })
  let isOver = false
  const run = handler({}, contextOf('retry-revocations')).finally(() => {
    isOver = true
  })
  const failed = assert.rejects(run, Unavailable)
  await turn()
  assert.equal(isOver, false)
  slow.resolve(undefined)
  await failed
})
