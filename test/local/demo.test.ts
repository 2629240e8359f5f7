/**
 * `npm run demo` tells the story to its end, or fails.
 */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { run } from './support/child.ts'
import { directory } from './support/directory.ts'
import { runKeys } from './support/run-keys.ts'

const demo = (variables: Record<string, string>) => run(process.execPath, ['local/demo.ts'], variables)

test('the story ends well, plain in a pipe, abbreviates tokens and leaves nothing behind', async (t) => {
  const temporary = await directory(t)
  const child = demo({ ...runKeys(), TMPDIR: temporary })
  assert.deepEqual(await child.ended, { code: 0, signal: null })
  const { stdout } = child.output
  assert.equal(child.output.stderr, '')
  assert.match(stdout, /thief\) → 400\n +error: invalid_grant/)
  assert.match(stdout, /program\) → 400\n +error: invalid_grant/)
  assert.match(stdout, /userinfo → 401/)
  assert.doesNotMatch(stdout, /[\w-]{60}/)
  assert.ok(!stdout.includes('\u001b'))
  assert.deepEqual(await readdir(temporary), [])
})

test('a story that goes wrong says where, and exits with 1', async () => {
  const lenient =
    'data:text/javascript,const{fetch:ask}=globalThis;globalThis.fetch=(url,init)=>String(url).endsWith("/userinfo")?Response.json({}):ask(url,init)'
  const child = demo(runKeys(`--import ${lenient.replaceAll('"', "'").replaceAll(' ', '%20')}`))
  assert.equal((await child.ended).code, 1)
  assert.match(child.output.stderr, /went wrong: .*userinfo refuses the access token/)
})
