/**
 * `npm start` as people and scripts use it (local-stack.md).
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { approve } from '../../local/demo/person.ts'
import { call, type Reply, str } from '../../local/demo/program.ts'
import { startDynamodb } from '../../local/dynamodb.ts'
import { listen } from '../../local/ports.ts'
import { type Child, closed, run, until } from './support/child.ts'
import { directory, type Owner } from './support/directory.ts'
import { runKeys } from './support/run-keys.ts'

type Started = { readonly child: Child; readonly url: string; readonly idpUrl: string; readonly dynamodb: string }
type Variables = Readonly<Record<string, string>>

const freePorts = { PORT: '0', IDP_PORT: '0' }
const npmStart = ['npm', 'start', '--ignore-scripts']
const escapeCharacter = '\u001b'
const device = 'urn:ietf:params:oauth:grant-type:device_code'

/** Ended after the test, if not before. */
function launch(
  t: Owner,
  variables: Variables = {},
  command: readonly string[] = [process.execPath, 'local/start.ts'],
): Child {
  const [file = '', ...words] = command
  // npm runs on a Node that may not load TypeScript.
  const child = run(file, words, { ...freePorts, ...(command === npmStart ? {} : runKeys()), ...variables })
  t.after(async () => {
    child.process.kill('SIGTERM')
    await child.ended
  })
  return child
}

async function start(t: Owner, variables?: Variables, command?: string[]): Promise<Started> {
  const child = launch(t, variables, command)
  const [, url = ''] = await child.until(/^ready (\S+)$/m)
  const address = (name: string) => new RegExp(`${name} +(http://[\\w.:]+)`).exec(child.output.stdout)?.[1] ?? ''
  return { child, url, idpUrl: address('Identity provider'), dynamodb: address('DynamoDB') }
}

async function stop({ child }: Started): Promise<void> {
  child.process.kill('SIGTERM')
  await child.ended
}

/** A session of a person at the client `cli`. */
async function session(url: string): Promise<Reply> {
  const started = await call(`${url}/demo/oauth/device_authorization`, {
    client_id: 'cli',
    scope: 'openid offline_access',
  })
  await approve(str(started, 'verification_uri_complete'), 'alice')
  const form = { client_id: 'cli', grant_type: device, device_code: str(started, 'device_code') }
  return call(`${url}/demo/oauth/token`, form)
}

const refresh = (url: string, tokens: Reply) =>
  call(`${url}/demo/oauth/token`, {
    client_id: 'cli',
    grant_type: 'refresh_token',
    refresh_token: str(tokens, 'refresh_token'),
  })

/** For the tests that only look. npm starts it, without further variables. The last test that uses it ends it. */
let plain: Started
let plainTemporary: string
/** With variables that it should heed. The last test that uses it kills it. */
let varied: Started
let temporary: string
/** With sessions that outlive it. */
let kept: Started
let dataDir: string
const ends: (() => Promise<void>)[] = []
before(async () => {
  const all = { after: (end: () => Promise<void>) => void ends.push(end) }
  plainTemporary = await directory(all)
  plain = await start(all, { TMPDIR: plainTemporary }, npmStart)
  const preload = "--import data:text/javascript,console.error('preloaded')"
  temporary = await directory(all)
  varied = await start(all, { FORCE_COLOR: '1', NODE_OPTIONS: preload, TMPDIR: temporary })
  dataDir = join(await directory(all), "today's data")
  kept = await start(all, { DATA_DIR: dataDir })
})
after(async () => {
  for (const end of ends.reverse()) await end()
})

test('one line of stdout starts with ready and holds the base URL, and nothing is coloured in a pipe', async () => {
  const { child, url } = plain
  assert.equal(child.output.stdout.match(/^ready .*$/gm)?.length, 1)
  assert.equal((await fetch(`${url}/demo/.well-known/openid-configuration`)).status, 200)
  assert.ok(!(child.output.stdout + child.output.stderr).includes(escapeCharacter))
})

test('FORCE_COLOR colours the welcome, and the ready line stays plain', () => {
  const { child } = varied
  assert.ok(child.output.stdout.includes(`${escapeCharacter}[1m`))
  assert.match(child.output.stdout, /^ready http:\/\/127\.0\.0\.1:\d+$/m)
})

test('NODE_OPTIONS reach the broker’s process', () => {
  assert.match(varied.child.output.stderr, /^preloaded$/m)
})

test('the three commands of the welcome, pasted into a shell, are a device flow', async (t) => {
  const { child } = plain
  const [first = '', second = '', third = ''] = child.output.stdout.match(/^(START|TOKENS)=.*$/gm) ?? []
  const approved = join(await directory(t), 'approved')
  const shell = run('sh', ['-c', [first, `until test -e '${approved}'; do sleep 0.1; done`, second, third].join('\n')])
  const [, address = ''] = await shell.until(/"verification_uri_complete":"([^"]*)"/)
  await approve(address, 'alice')
  await writeFile(approved, '')
  await shell.ended
  const refreshTokens = [...shell.output.stdout.matchAll(/"refresh_token":"([^"]*)"/g)].map(([, token]) => token)
  assert.equal(new Set(refreshTokens).size, 2, shell.output.stdout)
})

test('the commands of the welcome for jobs, pasted into a shell, print a token each', async () => {
  const lines = plain.child.output.stdout.match(/^\w+=.* --workload .*$/gm) ?? []
  assert.equal(lines.length, 3)
  const pasted = lines
    .join('\n')
    .replaceAll('npx @token-broker/token-broker', `'${process.execPath}' cli/token-broker.ts`)
  const shell = run('sh', ['-ec', pasted])
  assert.deepEqual(await shell.ended, { code: 0, signal: null }, shell.output.stderr)
  assert.equal(shell.output.stdout.match(/^eyJ/gm)?.length, 3)
})

test('a reader that closes the output of npm start does no harm', async () => {
  const { child, url } = varied
  child.process.stdout?.destroy()
  child.process.stderr?.destroy()
  for (let count = 0; count < 3; count += 1) {
    assert.equal((await fetch(`${url}/demo/.well-known/jwks.json`)).status, 200)
  }
})

test('kill -9 of the broker alone ends its database and removes its temporary directory', async () => {
  const { child, dynamodb } = varied
  child.process.kill('SIGKILL')
  assert.ok((await closed(dynamodb)) < 2_000)
  await until(async () => (await readdir(temporary)).length === 0)
})

test('the line of the welcome for the command line, pasted into a shell, is all that it needs, keys included', async () => {
  const [line = ''] = /^export .*$/m.exec(kept.child.output.stdout) ?? []
  const commands = ['sessions', 'clients', 'keys'].map((noun) => `${process.execPath} cli/token-broker.ts ${noun} list`)
  const shell = run('sh', ['-ec', [line, ...commands].join('\n')])
  assert.deepEqual(await shell.ended, { code: 0, signal: null }, shell.output.stderr)
  assert.match(shell.output.stdout, /^mac-1 +mac /m)
})

test('DATA_DIR keeps sessions across restarts, and its secrets are their owner’s alone', async (t) => {
  const tokens = await session(kept.url)
  assert.equal(tokens.status, 200)
  await stop(kept)
  const [providerSecret] = await readdir(join(dataDir, 'secrets/provider/demo'))
  for (const [name, mode] of [
    ['secrets', 0o700],
    ['secrets/keyring', 0o600],
    [`secrets/provider/demo/${providerSecret}`, 0o600],
  ] as const) {
    assert.equal((await stat(join(dataDir, name))).mode & 0o777, mode, name)
  }
  const second = await start(t, { DATA_DIR: dataDir })
  assert.equal((await refresh(second.url, tokens)).status, 200)
})

test('brokers with one DATA_DIR and the DynamoDB of AWS_ENDPOINT_URL_DYNAMODB share the table of TABLE_NAME, and each has an identity provider', async (t) => {
  const database = await startDynamodb({ log: () => {} })
  t.after(() => database.stop())
  const variables = {
    DATA_DIR: await directory(t),
    AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
    TABLE_NAME: 'other-table',
  }
  const [one, other] = await Promise.all([start(t, variables), start(t, variables)])
  for (const { dynamodb, child } of [one, other]) {
    assert.equal(dynamodb, database.endpoint)
    assert.match(child.output.stdout, /table other-table/)
  }
  assert.notEqual(one.idpUrl, other.idpUrl)
  const tokens = await session(one.url)
  const refreshed = await refresh(other.url, tokens)
  assert.equal(refreshed.status, 200)
  assert.equal((await refresh(one.url, refreshed)).status, 200)
  assert.equal((await session(other.url)).status, 200)
})

async function expectEnd({ child, ...addresses }: Started, signal: NodeJS.Signals, temporary: string): Promise<void> {
  child.process.kill(signal)
  const took = await Promise.all([addresses.url, addresses.idpUrl, addresses.dynamodb].map(closed))
  assert.ok(Math.max(...took) < 2_000, `${took}`)
  await child.ended
  await until(async () => !(await readdir(temporary)).some((name) => name.startsWith('token-broker-')))
}

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  test(`${signal} to npm start ends all that it started within 2 s`, async (t) => {
    const temporary = await directory(t)
    const started = await start(t, { TMPDIR: temporary }, npmStart)
    await fetch(started.idpUrl)
    await expectEnd(started, signal, temporary)
  })
}

test('a mistake in a setting, such as a PORT in use, is one line, and exit code 1', async (t) => {
  const other = createServer((socket) => socket.on('error', () => {}).end('something else'))
  const port = await listen(other, 0, 'PORT')
  t.after(() => other.close())
  const child = launch(t, { PORT: String(port) })
  assert.deepEqual(await child.ended, { code: 1, signal: null })
  assert.match(child.output.stderr, new RegExp(`^Port ${port} is in use .*\\bPORT\\b.*\n$`))
  assert.doesNotMatch(child.output.stdout, /ready/)
})

test('the functions’ log is JSON on stderr and leaves stdout to people', async () => {
  const { child, url } = plain
  await fetch(`${url}/demo/.well-known/jwks.json`)
  const [line] = await child.until(/^\{.*"event":"request".*\}$/m)
  assert.equal(JSON.parse(line).status, 200)
  assert.doesNotMatch(child.output.stdout, /^\{/m)
})

test('a signal before it is ready ends it too', async (t) => {
  const child = launch(t)
  await once(child.process, 'spawn')
  child.process.kill('SIGINT')
  const { code, signal } = await child.ended
  assert.ok(code === 0 || signal === 'SIGINT')
})

test('SIGTERM to npm start ends all that it started within 2 s, after sign-ins too', async () => {
  await session(plain.url)
  await expectEnd(plain, 'SIGTERM', plainTemporary)
})
