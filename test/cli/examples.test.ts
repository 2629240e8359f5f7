/** The programs of docs/examples that sign in by the device flow: in each language, where the language is there. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { approve } from '../../local/demo/person.ts'
import { call } from '../../local/demo/program.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { type Child, run } from '../local/support/child.ts'
import { directory } from '../local/support/directory.ts'

let broker: BrokerHere
before(async () => {
  broker = await startBrokerHere()
})
after(() => broker.stop())

const addressIn = (child: Child) => child.until(/Open (http:\S+)/).then(([, address = '']) => address)
const rotations = () => broker.output().split('"event":"session.rotated"').length - 1

/** A program that keeps its refresh token in a file signs in once, refreshes ever after, and notices the end. */
async function signsInOnce(t: TestContext, command: string, words: readonly string[], variables = {}): Promise<void> {
  const file = join(await directory(t), 'token')
  const start = () => {
    const child = run(command, words, { ISSUER: `${broker.url}/demo`, TOKEN_FILE: file, ...variables })
    t.after(() => child.process.kill('SIGKILL'))
    return child
  }
  const first = start()
  await approve(await addressIn(first), 'alice')
  assert.equal((await first.ended).code, 0, first.output.stderr)
  assert.match(first.output.stdout, /Signed in as .*alice/)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const before = await readFile(file, 'utf8')

  const second = start()
  assert.equal((await second.ended).code, 0, second.output.stderr)
  assert.doesNotMatch(second.output.stdout, /Open/)
  const after = await readFile(file, 'utf8')
  assert.notEqual(after, before)

  await call(`${broker.url}/demo/oauth/revoke`, { client_id: 'nightly', token: after })
  const third = start()
  await addressIn(third)
  third.process.kill('SIGKILL')
  await third.ended
}

// Each waits the five seconds between two polls, so they wait together.
describe('the example', { concurrency: true }, () => {
  test('the JavaScript example signs in once, and every later run refreshes', async (t) => {
    await signsInOnce(t, process.execPath, ['docs/examples/device-flow.mjs'], { CLIENT_ID: 'nightly' })
  })

  test('the Python example signs in once, and every later run refreshes', async (t) => {
    if (spawnSync('python3', ['--version']).status !== 0) return t.skip('Python 3 is not installed')
    await signsInOnce(t, 'python3', ['docs/examples/device_flow.py'])
  })

  test('the Go example signs in once, and every later run refreshes', async (t) => {
    const built = join(await directory(t), 'example')
    if (spawnSync('go', ['version']).status !== 0) return t.skip('Go is not installed')
    // Without cgo: the first build on a machine compiles the standard library, and no C compiler is needed.
    const build = run('go', ['build', '-C', 'docs/examples/go', '-o', built, '.'], { CGO_ENABLED: '0' })
    const { code } = await build.ended
    const { stderr } = build.output
    if (/dial tcp|no such host|module lookup disabled/.test(stderr)) return t.skip('the Go modules cannot be fetched')
    assert.equal(code, 0, stderr)
    await signsInOnce(t, built, [])
  })
})

test('the example of a web application with five instances refreshes once', async (t) => {
  const before = rotations()
  const child = run(process.execPath, ['--no-warnings', 'docs/examples/shared-session.mjs'], {
    ISSUER: `${broker.url}/demo`,
  })
  t.after(() => child.process.kill('SIGKILL'))
  await approve(await addressIn(child), 'alice')
  assert.equal((await child.ended).code, 0, child.output.stderr)
  assert.equal(child.output.stdout.match(/Instance \d+ calls for/g)?.length, 5)
  assert.equal(rotations(), before + 1)
})
