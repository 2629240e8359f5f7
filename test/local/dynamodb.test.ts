/**
 * The embedded DynamoDB: it never outlives the broker, and brokers that share a data directory share one.
 */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findMark, putMark } from '../../local/dynamodb/mark.ts'
import { type LocalDynamodb, startDynamodb } from '../../local/dynamodb.ts'
import { freePort, listen } from '../../local/ports.ts'
import { closed, isListening, runScript, until } from './support/child.ts'
import { directory } from './support/directory.ts'

/** Stopped after the test, if not before. */
async function start(t: TestContext, dataDir?: string, log: (line: string) => void = () => {}): Promise<LocalDynamodb> {
  const database = await startDynamodb({ ...(dataDir === undefined ? {} : { dataDir }), log })
  t.after(() => database.stop())
  return database
}

/** A table that a test recognises a database by. */
const sign = 'sign-of-a-test'

test('in memory it answers, and is gone after stop', async (t) => {
  const database = await start(t)
  assert.equal(await findMark(database.endpoint, sign), 'missing')
  await database.stop()
  assert.equal(await findMark(database.endpoint, sign), 'nobody')
})

test('in a directory its data outlive it', async (t) => {
  const path = await directory(t)
  const first = await start(t, path)
  await putMark(first.endpoint, sign)
  await first.stop()
  const second = await start(t, path)
  assert.equal(await findMark(second.endpoint, sign), 'there')
})

test('brokers that start at the same time on one directory share one database', async (t) => {
  const path = await directory(t)
  const all = await Promise.all([start(t, path), start(t, path), start(t, path), start(t, path)])
  assert.equal(new Set(all.map(({ endpoint }) => endpoint)).size, 1)
  assert.equal(all.filter(({ role }) => role === 'serving').length, 1)
})

test('when the broker that runs it goes, another one takes over at the same address with the same data', async (t) => {
  const path = await directory(t)
  const first = await start(t, path)
  const told = Promise.withResolvers<string>()
  const second = await start(t, path, told.resolve)
  assert.deepEqual([first.role, second.role], ['serving', 'following'])
  await putMark(first.endpoint, sign)
  await first.stop()
  assert.match(await told.promise, /now runs the local DynamoDB/)
  assert.equal(second.endpoint, first.endpoint)
  assert.equal(await findMark(second.endpoint, sign), 'there')
})

test('a broker that goes leaves the database to the one that runs it', async (t) => {
  const path = await directory(t)
  const first = await start(t, path)
  const second = await start(t, path)
  await second.stop()
  assert.equal(await findMark(first.endpoint, sign), 'missing')
})

const staleNotes: Record<string, () => Promise<string>> = {
  'that nobody listens at any more': async () => JSON.stringify({ port: await freePort(), id: 'gone' }),
  'that is not JSON': async () => '{"port":',
  'without a port': async () => '{}',
}

for (const [what, note] of Object.entries(staleNotes)) {
  test(`a note ${what} does no harm`, async (t) => {
    const path = await directory(t)
    await writeFile(join(path, 'dynamodb.json'), await note())
    const database = await start(t, path)
    assert.equal(await findMark(database.endpoint, sign), 'missing')
  })
}

test('a note whose port has become a web server’s is replaced', async (t) => {
  const path = await directory(t)
  const server = createServer((_incoming, outgoing) => outgoing.end('<html>'))
  t.after(() => server.close())
  const port = await listen(server, 0, 'PORT')
  await writeFile(join(path, 'dynamodb.json'), JSON.stringify({ port, id: 'mine' }))
  const database = await start(t, path)
  assert.notEqual(database.endpoint, `http://127.0.0.1:${port}`)
  assert.equal(await findMark(database.endpoint, sign), 'missing')
})

test('a note whose port has become another directory’s database is replaced, and nobody’s data mix', async (t) => {
  const [mine, theirs] = [await directory(t), await directory(t)]
  const other = await start(t, theirs)
  await putMark(other.endpoint, sign)
  await writeFile(
    join(mine, 'dynamodb.json'),
    JSON.stringify({ port: Number(new URL(other.endpoint).port), id: 'mine' }),
  )
  const database = await start(t, mine)
  assert.notEqual(database.endpoint, other.endpoint)
  assert.equal(await findMark(database.endpoint, sign), 'missing')
  assert.match(await readFile(join(mine, 'dynamodb.json'), 'utf8'), new RegExp(new URL(database.endpoint).port))
})

test('kill -9 of the broker ends the database and removes the temporary directory', async (t) => {
  const removeAtEnd = join(await directory(t), 'temporary')
  await mkdir(removeAtEnd)
  const broker = runScript(
    `
    import { startDynamodb } from './local/dynamodb.ts'
    const { endpoint } = await startDynamodb({ removeAtEnd: process.env.REMOVE, log: () => {} })
    console.log('endpoint', endpoint)`,
    { REMOVE: removeAtEnd },
  )
  const [, endpoint = ''] = await broker.until(/endpoint (\S+)/)
  assert.ok(await isListening(endpoint))
  broker.process.kill('SIGKILL')
  assert.ok((await closed(endpoint)) < 2_000)
  await until(() => !existsSync(removeAtEnd))
})

test('kill -9 of the broker’s whole process group ends and removes the same', async (t) => {
  const removeAtEnd = join(await directory(t), 'temporary')
  await mkdir(removeAtEnd)
  const broker = runScript(
    `
    import { spawn } from 'node:child_process'
    const code = \`import { startDynamodb } from './local/dynamodb.ts'
      const { endpoint } = await startDynamodb({ removeAtEnd: process.env.REMOVE, log: () => {} })
      console.log('endpoint', endpoint)\`
    const leader = spawn(process.execPath, ['--input-type=module', '--eval', code], { detached: true, stdio: 'inherit' })
    console.log('group', leader.pid)`,
    { REMOVE: removeAtEnd },
  )
  const [, group = ''] = await broker.until(/group (\d+)/)
  const [, endpoint = ''] = await broker.until(/endpoint (\S+)/)
  process.kill(-Number(group), 'SIGKILL')
  assert.ok((await closed(endpoint)) < 2_000)
  await until(() => !existsSync(removeAtEnd))
})

test('NODE_OPTIONS of the broker do not reach the supervisor', async (t) => {
  const trace = join(await directory(t), 'trace')
  const preload = "data:text/javascript,import{appendFileSync}from'node:fs';appendFileSync(process.env.TRACE,'loaded,')"
  const broker = runScript(
    `
    import { startDynamodb } from './local/dynamodb.ts'
    const database = await startDynamodb({ log: () => {} })
    await database.stop()
    console.log('done')`,
    { NODE_OPTIONS: `--import ${preload}`, TRACE: trace },
  )
  await broker.until(/done/)
  assert.equal(await readFile(trace, 'utf8'), 'loaded,')
})
