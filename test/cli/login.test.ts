/** `login` in a pipe and on a terminal. */

import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { Browser } from '../../local/demo/browser.ts'
import { approve } from '../../local/demo/person.ts'
import { call } from '../../local/demo/program.ts'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { type Child, run, until } from '../local/support/child.ts'
import { directory } from '../local/support/directory.ts'
import { commandLine, onTerminal, signedIn } from './support/command-line.ts'

const escapeCharacter = '\u001b'

const broker = await sharedBroker()

const addressIn = (child: Child) =>
  child.until(/(http:\/\/[\w.:/?&=%-]+user_code=[\w.:/?&=%-]+)[^\w.:/?&=%-]/).then(([, address = '']) => address)

// Each waits the five seconds between two polls, so they wait together.
describe('login', { concurrency: true }, () => {
  test('login in a pipe prints address and code as JSON, then who signed in; token works after it', async (t) => {
    const tool = await commandLine(t, { TOKEN_BROKER_URL: broker.url })
    const child = tool.start('login', '--json')
    const address = await addressIn(child)
    await approve(address, 'alice')
    assert.deepEqual(await child.ended, { code: 0, signal: null })
    const [started, done] = child.output.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(started.verification_uri_complete, address)
    assert.match(started.user_code, /^[A-Z]{4}-[A-Z]{4}$/)
    assert.deepEqual([done.signed_in, done.sub, done.client_id], [true, 'alice', 'cli'])
    assert.ok(!(child.output.stdout + child.output.stderr).includes(escapeCharacter))
    const { stdout } = await tool.run('token')
    assert.equal((await call(`${broker.url}/demo/oauth/userinfo`, undefined, stdout.trim())).body.sub, 'alice')
  })

  test('login on a terminal shows code, QR code and a spinner, opens the browser, and restores the cursor', async (t) => {
    const folder = await directory(t)
    const opened = join(folder, 'opened')
    await writeFile(join(folder, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > '${opened}'\n`)
    await chmod(join(folder, 'xdg-open'), 0o755)
    const child = onTerminal(t, `login --url ${broker.url}`, {
      TOKEN_BROKER_HOME: join(folder, 'home'),
      PATH: `${folder}:${process.env.PATH}`,
      DISPLAY: ':0',
      SSH_CONNECTION: '',
    })
    const address = await addressIn(child)
    await child.until(/Waiting for you to approve, 1\d min left/)
    await approve(address, 'bob')
    assert.equal((await child.ended).code, 0, child.output.stdout)
    const { stdout } = child.output
    assert.match(stripVTControlCharacters(stdout), /█▀▄|▄▀█|█▄▀/)
    assert.ok(stdout.includes(`${escapeCharacter}[?25l`) && stdout.includes(`${escapeCharacter}[?25h`))
    assert.match(stripVTControlCharacters(stdout), /Signed in as bob\./)
    await until(async () => (await readFile(opened, 'utf8').catch(() => '')) === address)
  })

  test('login with an unknown or confidential client says how the client must be registered', async (t) => {
    const tool = await commandLine(t, { TOKEN_BROKER_URL: broker.url })
    for (const clientId of ['no-such-client', 'web']) {
      const { code, stderr } = await tool.run('login', '--client-id', clientId)
      assert.equal(code, 1)
      assert.match(stderr, /^The broker refuses: invalid_client .*\n.*"auth": "none".*--client-id/)
    }
  })

  test('Ctrl-C while login waits is exit code 130, restores the cursor and stores nothing', async (t) => {
    const folder = await directory(t)
    const [home, go] = [join(folder, 'home'), join(folder, 'go')]
    const command = `${process.execPath} cli/token-broker.ts login --url ${broker.url} --no-browser`
    // The interrupt is the terminal's own: the third character of this input.
    const interrupt = `until [ -e '${go}' ]; do sleep 0.1; done; printf '\\003'; sleep 1`
    const child = run('sh', ['-c', `(${interrupt}) | script -qefc '${command}' /dev/null`], {
      TOKEN_BROKER_HOME: home,
    })
    t.after(() => child.process.kill('SIGKILL'))
    await child.until(/Waiting for you to approve/)
    await writeFile(go, '')
    await child.ended
    assert.ok(child.output.stdout.includes(`${escapeCharacter}[?25h`), child.output.stdout)
    assert.doesNotMatch(child.output.stdout, /Signed in/)
  })

  test('login of a second client keeps the first one as default', async (t) => {
    const tool = await commandLine(t, { TOKEN_BROKER_URL: broker.url })
    const { accessToken } = await signedIn(tool, broker.url, { expired: false })
    const child = tool.start('login', '--client-id', 'nightly')
    await approve(await addressIn(child), 'bob')
    assert.equal((await child.ended).code, 0, child.output.stderr)
    assert.match(child.output.stderr, /default session is still demo\/job.*token-broker use demo\/nightly/)
    assert.equal((await tool.run('token')).stdout.trim(), accessToken)
    assert.equal((await tool.run('use', 'demo/nightly')).code, 0)
    assert.notEqual((await tool.run('token')).stdout.trim(), accessToken)
  })

  test('a denied login is exit code 1', async (t) => {
    const child = (await commandLine(t, { TOKEN_BROKER_URL: broker.url })).start('login')
    await deny(await addressIn(child))
    assert.equal((await child.ended).code, 1)
    assert.match(child.output.stderr, /The request was denied\./)
  })

  test('login of an unknown client is exit code 1, with the error code of the broker', async (t) => {
    const { code, stderr } = await (await commandLine(t)).run('login', '--url', broker.url, '--client-id', 'nobody')
    assert.deepEqual([code, /invalid_client/.test(stderr)], [1, true])
  })

  test('a repeated login ends the former session, and renames a broken file', async (t) => {
    const tool = await commandLine(t, { TOKEN_BROKER_URL: broker.url })
    const before = await signedIn(tool, broker.url, { clientId: 'cli', expired: false })
    const child = tool.start('login')
    await approve(await addressIn(child), 'alice')
    await child.ended
    assert.equal((await call(`${broker.url}/demo/oauth/userinfo`, undefined, before.accessToken)).status, 401)
    await writeFile(tool.file, '{ half')
    const again = tool.start('login')
    await approve(await addressIn(again), 'alice')
    assert.equal((await again.ended).code, 0)
    const [, place = ''] = /renamed to (\S+)/.exec(again.output.stderr) ?? []
    assert.equal(await readFile(place, 'utf8'), '{ half')
    assert.equal((await tool.run('token')).code, 0)
  })
})

async function deny(address: string): Promise<void> {
  const browser = new Browser()
  let page = await browser.open(address)
  // Some browsers are asked to confirm the code first.
  if (!page.html.includes('name="decision"')) page = await browser.submit(page, {})
  await browser.submit(page, { decision: 'deny' })
}
