/** `token` and `logout`: one refresh however many ask, and a file that is whole whatever happens. */

import assert from 'node:assert/strict'
import { chmod, chown, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { StoredSession } from '../../cli/credentials-file.ts'
import { call, str } from '../../local/demo/program.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { type FaultProxy, startFaultProxy } from '../flows/support/fault-proxy.ts'
import { freePort } from '../flows/support/ports.ts'
import { run, until } from '../local/support/child.ts'
import { type CommandLine, commandLine, signedIn } from './support/command-line.ts'

let broker: BrokerHere
/** Between the command line and the broker. */
let proxy: FaultProxy
before(async () => {
  broker = await startBrokerHere()
  proxy = await startFaultProxy(broker.url)
})
beforeEach(() => proxy.heal())
after(async () => {
  await proxy.stop()
  await broker.stop()
})

/** A session whose access token has expired, behind the proxy. */
async function expired(t: TestContext, clientId = 'job'): Promise<CommandLine> {
  const tool = await commandLine(t)
  await signedIn(tool, broker.url, { clientId, issuer: `${proxy.endpoint}/demo` })
  return tool
}

const stored = async ({ file }: CommandLine) =>
  (JSON.parse(await readFile(file, 'utf8')) as { sessions: StoredSession[] }).sessions
const filesIn = (tool: CommandLine) => readdir(tool.home)
const refreshes = () => broker.output().split('"event":"session.rotated"').length - 1
const isActive = async (token: string) =>
  (await call(`${broker.url}/demo/oauth/userinfo`, undefined, token)).status === 200

describe('token', () => {
  test('a valid access token is printed without asking the broker', async (t) => {
    const tool = await commandLine(t)
    const { accessToken } = await signedIn(tool, broker.url, { expired: false, issuer: 'http://127.0.0.1:1/demo' })
    assert.deepEqual(await tool.run('token'), { code: 0, stdout: `${accessToken}\n`, stderr: '' })
  })

  test('an expired access token is refreshed, and only the owner can read the file with the next refresh token', async (t) => {
    const tool = await expired(t)
    const [before] = await stored(tool)
    const { code, stdout } = await tool.run('token')
    const [session] = await stored(tool)
    assert.deepEqual([code, stdout.trim()], [0, session!.accessToken])
    assert.notEqual(session!.refreshToken, before!.refreshToken)
    assert.equal(session!.graceSeconds, 10, 'as the broker tells')
    assert.ok(Math.abs(session!.endsAtSeconds! - session!.signedInAtSeconds - 31_536_000) < 60, 'as the broker tells')
    assert.ok(await isActive(stdout.trim()))
    assert.deepEqual([(await stat(tool.file)).mode & 0o777, (await stat(tool.home)).mode & 0o777], [0o600, 0o700])
    assert.deepEqual(await filesIn(tool), ['sessions.json'])
  })

  test('an access token is refreshed before it expires, and earlier with --valid-for', async (t) => {
    const tool = await commandLine(t)
    const { accessToken } = await signedIn(tool, broker.url, { expired: false })
    assert.equal((await tool.run('token', '--valid-for', '200')).stdout.trim(), accessToken)
    const text = await readFile(tool.file, 'utf8')
    const soon = Math.floor(Date.now() / 1000) + 50
    await writeFile(
      tool.file,
      text.replace(/"accessTokenExpiresAtSeconds": \d+/, `"accessTokenExpiresAtSeconds": ${soon}`),
    )
    assert.equal((await tool.run('token', '--valid-for', '20')).stdout.trim(), accessToken)
    const { body } = await tool.json('token')
    assert.notEqual(body.access_token, accessToken)
    assert.ok(Number(body.expires_in) > 290)
  })

  test('a token that outlives its lifetime is refreshed', async (t) => {
    const tool = await commandLine(t)
    // As the file says after the clock was set back by two hours.
    const accessTokenExpiresAtSeconds = Math.floor(Date.now() / 1000) + 7_200
    const { accessToken } = await signedIn(tool, broker.url, { accessTokenExpiresAtSeconds })
    const { code, body } = await tool.json('token')
    assert.equal(code, 0)
    assert.notEqual(body.access_token, accessToken)
    assert.ok(Number(body.expires_in) <= 300)
    assert.equal((await tool.run('token')).stdout.trim(), body.access_token, 'the next run does not refresh again')
  })

  test('eight processes at the same time refresh once', async (t) => {
    const tool = await expired(t)
    const before = refreshes()
    const ended = await Promise.all(Array.from({ length: 8 }, () => tool.runProcess('token')))
    assert.deepEqual([...new Set(ended.map(({ code, stderr }) => `${code} ${stderr}`))], ['0 '])
    assert.equal(new Set(ended.map(({ stdout }) => stdout)).size, 1)
    assert.equal(refreshes() - before, 1)
    assert.deepEqual(await filesIn(tool), ['sessions.json'])
  })

  test('a session that was ended elsewhere is exit code 3 at every run, with the cause and the command that signs in', async (t) => {
    const tool = await expired(t)
    const [session] = await stored(tool)
    await call(`${broker.url}/demo/oauth/revoke`, { client_id: 'job', token: session!.refreshToken! })
    const first = await tool.run('token')
    assert.deepEqual([first.code, first.stdout], [3, ''])
    assert.match(first.stderr, /refused its refresh token/)
    assert.ok(first.stderr.includes(`token-broker login --url ${proxy.endpoint} --application demo --client-id job`))
    assert.deepEqual(await tool.run('token'), first)
    const [ended] = await stored(tool)
    assert.deepEqual([ended?.accessToken, ended?.refreshToken], ['', undefined])
  })

  test('token warns of a session that ends within a week, and fails with --min-session-days', async (t) => {
    const tool = await commandLine(t)
    const inDays = (days: number) => ({ endsAtSeconds: Math.floor(Date.now() / 1000) + days * 86_400 - 60 })
    await signedIn(tool, broker.url, { expired: false, ...inDays(7) })
    await signedIn(tool, broker.url, { clientId: 'cli', expired: false, ...inDays(8) })
    const soon = await tool.run('token', '--client-id', 'job')
    assert.equal(soon.code, 0)
    assert.match(soon.stderr, /demo\/job ends in 6 d.*token-broker login .*--application demo --client-id job/)
    assert.equal((await tool.run('token', '--client-id', 'cli')).stderr, '')
    assert.equal((await tool.run('token', '--client-id', 'cli', '--min-session-days', '7')).code, 0)
    const tooSoon = await tool.run('token', '--client-id', 'cli', '--min-session-days', '9')
    assert.deepEqual([tooSoon.code, tooSoon.stdout], [3, ''])
  })

  test('token without a session is exit code 3, and the hint names the requested client', async (t) => {
    const tool = await expired(t)
    const nobody = await tool.run('token', '--application', 'demo', '--client-id', 'nobody')
    assert.equal(nobody.code, 3)
    assert.match(nobody.stderr, /token-broker login --application demo --client-id nobody/)
    assert.equal((await (await commandLine(t)).run('token')).code, 3)
  })
})

describe('of several sessions', () => {
  test('token takes the session that use has chosen, and options select another one', async (t) => {
    const tool = await commandLine(t)
    const job = await signedIn(tool, broker.url, { expired: false })
    const cli = await signedIn(tool, broker.url, { clientId: 'cli', expired: false })
    const undecided = await tool.run('token')
    assert.deepEqual([undecided.code, /token-broker use/.test(undecided.stderr)], [2, true])
    assert.equal((await tool.run('use', 'demo/cli')).code, 0)
    assert.equal((await tool.run('token')).stdout.trim(), cli.accessToken)
    assert.equal((await tool.run('token', '--client-id', 'job')).stdout.trim(), job.accessToken)
    const { body, stdout } = await tool.json('use')
    assert.deepEqual(
      (body.sessions as { client_id: string; default: boolean }[]).map((each) => [each.client_id, each.default]),
      [
        ['job', false],
        ['cli', true],
      ],
    )
    assert.doesNotMatch(stdout, /eyJ|rt_/)
    assert.equal((await tool.run('use', 'demo/nobody')).code, 3)
  })

  test('a chosen session that has ended is not replaced by another one', async (t) => {
    const tool = await commandLine(t)
    await signedIn(tool, broker.url, { expired: false })
    await signedIn(tool, broker.url, { clientId: 'cli', accessToken: '', ended: { atSeconds: 1, why: 'revoked' } })
    await tool.run('use', 'cli')
    assert.deepEqual([(await tool.run('token')).code, (await tool.run('token')).stdout], [3, ''])
    assert.equal((await tool.run('logout')).code, 0)
    assert.equal((await tool.run('token')).code, 0)
  })
})

describe('a lost connection', () => {
  test('a connection that fails leaves the file as it was and is exit code 4; the next try succeeds', async (t) => {
    const tool = await expired(t)
    const before = await readFile(tool.file, 'utf8')
    await proxy.goAway()
    const { code, stdout, stderr } = await tool.run('token')
    await proxy.comeBack()
    assert.deepEqual([code, stdout, /out of reach.*nothing was spent/.test(stderr)], [4, '', true])
    assert.equal(await readFile(tool.file, 'utf8'), before)
    assert.deepEqual(await filesIn(tool), ['sessions.json'])
    assert.equal((await tool.run('token')).code, 0)
  })

  test('an answer that is lost after the refresh is recovered by the next try, for a client with grace', async (t) => {
    const tool = await expired(t)
    proxy.fail({ kind: 'lose-answer' }, { times: 1 })
    const { code, stdout } = await tool.run('token')
    assert.equal(code, 0)
    assert.ok(await isActive(stdout.trim()))
  })

  test('a process that is killed between the answer and the write costs nothing within the grace', async (t) => {
    const tool = await expired(t)
    const before = await readFile(tool.file, 'utf8')
    proxy.fail({ kind: 'keep-silent' }, { times: 1 })
    const child = tool.start('token')
    await proxy.silent()
    child.process.kill('SIGKILL')
    await child.ended
    assert.equal(await readFile(tool.file, 'utf8'), before)
    // Its lock and its draft are still there.
    assert.equal((await filesIn(tool)).length, 3)
    const { code, stdout, stderr } = await tool.run('token')
    assert.equal(code, 0, stderr)
    assert.ok(await isActive(stdout.trim()))
    assert.deepEqual(await filesIn(tool), ['sessions.json'])
  })
})

const pidNamespace = await readlink('/proc/self/ns/pid').catch(() => '')

describe('the file', () => {
  test('a broken file is left as it is, and none of it is shown', async (t) => {
    const tool = await expired(t)
    const half = (await readFile(tool.file, 'utf8')).slice(0, 200)
    await writeFile(tool.file, half)
    const { code, stderr } = await tool.run('token')
    assert.equal(code, 1)
    assert.doesNotMatch(stderr, /eyJ|rt_/)
    assert.equal(await readFile(tool.file, 'utf8'), half)
  })

  test('a file of a newer version is not changed', async (t) => {
    const tool = await expired(t)
    await writeFile(tool.file, '{ "version": 2, "sessions": [] }')
    for (const command of ['token', 'login']) {
      const { code, stderr } = await tool.run(command)
      assert.deepEqual([code, /newer/.test(stderr)], [1, true], command)
    }
    assert.deepEqual(await filesIn(tool), ['sessions.json'])
  })

  test('login asks nobody if it cannot store the session', async (t) => {
    const tool = await commandLine(t, { TOKEN_BROKER_HOME: '/dev/null/sessions', TOKEN_BROKER_URL: broker.url })
    const { code, stdout, stderr } = await tool.run('login', '--json')
    assert.deepEqual([code, stdout, /cannot be written/.test(stderr)], [1, '', true], stderr)
  })

  test('a file of another user, or that others can write, is refused', async (t) => {
    const tool = await commandLine(t)
    await signedIn(tool, broker.url, { expired: false })
    await chmod(tool.file, 0o620)
    const writable = await tool.run('token')
    assert.deepEqual([writable.code, writable.stdout, /chmod 600/.test(writable.stderr)], [1, '', true])
    await chmod(tool.file, 0o600)
    assert.equal((await tool.run('token')).code, 0)
    // Only root can give a file away, and only another user meets a file of root's.
    if (process.getuid?.() === 0) await chown(tool.file, 12_345, 12_345)
    else await rm(tool.file).then(() => symlink('/etc/passwd', tool.file))
    for (const command of ['token', 'use', 'logout', 'login']) {
      const foreign = await tool.run(command)
      assert.deepEqual([foreign.code, foreign.stdout, /belongs to user/.test(foreign.stderr)], [1, '', true], command)
    }
  })

  test('the folder of the file is closed to other users', async (t) => {
    const tool = await commandLine(t)
    await mkdir(tool.home, { mode: 0o755 })
    await signedIn(tool, broker.url)
    assert.equal((await stat(tool.home)).mode & 0o777, 0o700)
  })

  test('a full disk is noticed before the refresh token is spent', async (t) => {
    const tool = await expired(t)
    const before = refreshes()
    const limited = run('sh', ['-c', 'ulimit -f 1; exec "$0" cli/token-broker.ts token', process.execPath], {
      TOKEN_BROKER_HOME: tool.home,
    })
    assert.equal((await limited.ended).code, 1, limited.output.stderr)
    assert.match(limited.output.stderr, /EFBIG.*nothing was spent/)
    assert.equal(refreshes(), before)
    assert.equal((await tool.run('token')).code, 0)
  })

  test('a disk that is full from the beginning leaves no lock behind', async (t) => {
    const tool = await expired(t)
    const limited = run('sh', ['-c', 'ulimit -f 0; exec "$0" cli/token-broker.ts token', process.execPath], {
      TOKEN_BROKER_HOME: tool.home,
    })
    assert.equal((await limited.ended).code, 1, limited.output.stderr)
    assert.deepEqual(await filesIn(tool), ['sessions.json'])
  })
})

describe('the lock', () => {
  test('the lock of a running process is respected', async (t) => {
    const tool = await expired(t)
    const before = refreshes()
    await writeFile(`${tool.file}.lock`, holderOf({ pid: process.pid }))
    const child = tool.start('token')
    await pause(1_000)
    assert.deepEqual([child.process.exitCode, refreshes()], [null, before])
    await rm(`${tool.file}.lock`)
    assert.equal((await child.ended).code, 0)
    assert.equal(refreshes(), before + 1)
  })

  const holderOf = (changes: object) =>
    JSON.stringify({
      pid: 1,
      began: '',
      machine: `${hostname()} ${pidNamespace}`.trim(),
      name: '1'.repeat(36),
      ...changes,
    })

  test('the lock of a container of the same host is respected, though its pid means nothing here', async (t) => {
    const tool = await expired(t)
    const gone = run(process.execPath, ['--eval', ''])
    await gone.ended
    await writeFile(`${tool.file}.lock`, holderOf({ pid: gone.process.pid, machine: `${hostname()} pid:[1]` }))
    const child = tool.start('token')
    await pause(500)
    assert.equal(child.process.exitCode, null)
    await rm(`${tool.file}.lock`)
    assert.equal((await child.ended).code, 0)
  })

  test('the lock of a dead process is taken over by one of many processes, and none leaves a file behind', async (t) => {
    const tool = await expired(t)
    const gone = run(process.execPath, ['--eval', ''])
    await gone.ended
    await writeFile(`${tool.file}.lock`, holderOf({ pid: gone.process.pid }))
    const before = refreshes()
    const ended = await Promise.all(Array.from({ length: 5 }, () => tool.runProcess('token')))
    assert.deepEqual(
      ended.map(({ code }) => code),
      Array(5).fill(0),
    )
    assert.equal(refreshes() - before, 1)
    assert.deepEqual(await filesIn(tool), ['sessions.json'])
  })

  test('the lock of a killed process whose parent has not noticed is taken over', async (t) => {
    const tool = await expired(t)
    const parent = run('sh', ['-c', 'sleep 60 & echo "$!"; exec sleep 60'])
    t.after(() => parent.process.kill('SIGKILL'))
    const [, pid] = await parent.until(/(\d+)\n/)
    const began = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')[21]
    // A shell might still notice. Once it has become sleep it does not.
    await until(async () => (await readFile(`/proc/${parent.process.pid}/comm`, 'utf8')) === 'sleep\n')
    process.kill(Number(pid), 'SIGKILL')
    await writeFile(`${tool.file}.lock`, holderOf({ pid: Number(pid), began }))
    assert.equal((await tool.run('token')).code, 0)
  })

  test('the lock of a reused pid is taken over', async (t) => {
    const tool = await expired(t)
    await writeFile(`${tool.file}.lock`, holderOf({ pid: process.pid, began: '1' }))
    assert.equal((await tool.run('token')).code, 0)
  })

  test('a process waits for the lock and reads what its holder wrote', async (t) => {
    const tool = await expired(t)
    proxy.fail({ kind: 'delay', ms: 700 }, { times: 1 })
    const before = refreshes()
    const [one, other] = await Promise.all([tool.runProcess('token'), tool.runProcess('token')])
    assert.equal(one.stdout, other.stdout)
    assert.equal(refreshes() - before, 1)
  })
})

describe('logout', () => {
  test('logout ends the session at the broker and forgets it', async (t) => {
    const tool = await expired(t)
    const [session] = await stored(tool)
    const { code, body } = await tool.json('logout')
    assert.deepEqual([code, body.revoked], [0, true])
    assert.deepEqual(await stored(tool), [])
    const form = { client_id: 'job', grant_type: 'refresh_token', refresh_token: session!.refreshToken! }
    assert.equal(str(await call(`${broker.url}/demo/oauth/token`, form), 'error'), 'invalid_grant')
  })

  test('logout keeps a session that the broker could not end, unless --only-forget is passed', async (t) => {
    const tool = await commandLine(t)
    await signedIn(tool, broker.url, { issuer: `http://127.0.0.1:${await freePort()}/demo` })
    assert.equal((await tool.run('logout')).code, 4)
    assert.equal((await stored(tool)).length, 1)
    assert.equal((await tool.run('logout', '--only-forget')).code, 0)
    assert.deepEqual(await stored(tool), [])
  })
})
