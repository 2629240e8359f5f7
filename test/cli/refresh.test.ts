/** `token` while it refreshes: lost answers and signals at every stage, with grace and without. */

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { StoredSession } from '../../cli/credentials-file.ts'
import { call } from '../../local/demo/program.ts'
import { type FaultProxy, startFaultProxy } from '../flows/support/fault-proxy.ts'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { until } from '../local/support/child.ts'
import { hangUp, json, startAnswering } from './support/answers.ts'
import { type CommandLine, commandLine, signedIn } from './support/command-line.ts'
import { virtualClock } from './support/virtual-clock.ts'

const broker = await sharedBroker()
/** Between the command line and the broker. */
let proxy: FaultProxy
before(async () => {
  proxy = await startFaultProxy(broker.url)
})
beforeEach(() => {
  proxy.heal()
  proxy.forget()
})
after(() => proxy.stop())

const requests = () => Object.values(proxy.counts()).reduce((sum, each) => sum + each, 0)
const stored = async ({ file }: CommandLine) =>
  (JSON.parse(await readFile(file, 'utf8')) as { sessions: StoredSession[] }).sessions[0]!
const isActive = async (token: string) =>
  (await call(`${broker.url}/demo/oauth/userinfo`, undefined, token)).status === 200

/** A session whose access token has expired, behind the proxy. */
async function expired(t: TestContext, told: Partial<StoredSession> = {}): Promise<CommandLine> {
  const tool = await commandLine(t)
  await signedIn(tool, broker.url, { issuer: `${proxy.endpoint}/demo`, ...told })
  return tool
}

/** A client without grace, of which the command line knows it. */
const graceless = { clientId: 'cli', graceSeconds: 0 }

describe('an answer that never comes', () => {
  test('a lost answer costs nothing with 10 s of grace, told or not: the next try begins in time', async (t) => {
    for (const told of [{}, { graceSeconds: 10 }]) {
      const tool = await expired(t, told)
      proxy.fail({ kind: 'keep-silent' }, { times: 1 })
      const { code, stdout, stderr } = await tool.run('token')
      assert.equal(code, 0, stderr)
      assert.ok(await isActive(stdout.trim()))
    }
  })

  test('without grace a refresh is sent once, and the next run waits until it cannot be running any more', async (t) => {
    const tool = await expired(t, graceless)
    const { refreshToken } = await stored(tool)
    proxy.fail({ kind: 'hang-up' })
    const lost = await tool.run('token')
    assert.deepEqual([lost.code, requests()], [4, 1])
    assert.match(lost.stderr, /graceSeconds 0/)
    proxy.heal()
    assert.equal((await stored(tool)).refreshToken, refreshToken)
    const time = virtualClock(t)
    const beganAtMs = time.nowMs()
    const { code, stdout } = await tool.run('token')
    assert.equal(code, 0)
    assert.ok(await isActive(stdout.trim()))
    assert.ok(time.nowMs() - beganAtMs > 28_000)
    assert.equal((await stored(tool)).unansweredAtSeconds, undefined)
  })

  test('without grace the lost answer of a refresh that happened ends the session, and every run says why', async (t) => {
    const tool = await expired(t, graceless)
    proxy.fail({ kind: 'lose-answer' })
    assert.equal((await tool.run('token')).code, 4)
    proxy.heal()
    virtualClock(t)
    for (let run = 0; run < 2; run += 1) {
      const { code, stdout, stderr } = await tool.run('token')
      assert.deepEqual([code, stdout], [3, ''])
      assert.match(stderr, /got no answer.*graceSeconds 60/)
      assert.match(stderr, /login .*--application demo --client-id cli/)
    }
  })
})

describe('a try that arrives late', () => {
  /** What the broker gets when the first try of this session arrives at last. */
  const lateTry =
    ({ refreshToken }: StoredSession) =>
    () =>
      call(`${broker.url}/demo/oauth/token`, {
        ...{ client_id: 'job', grant_type: 'refresh_token', refresh_token: refreshToken! },
      })

  test('a second refresh waits until no earlier try can arrive', async (t) => {
    const tool = await expired(t)
    const arrive = lateTry(await stored(tool))
    let pauses = 0
    const time = virtualClock(t, async () => {
      pauses += 1
      await arrive()
    })
    proxy.fail({ kind: 'hang-up' }, { times: 1 })
    const first = await tool.run('token')
    assert.equal(first.code, 0, first.stderr)
    assert.deepEqual(await tool.run('token'), { ...first, stderr: '' }, 'a valid token is printed at once')
    assert.equal(pauses, 0)
    const beganAtMs = time.nowMs()
    const second = await tool.run('token', '--refresh')
    if (pauses === 0) await arrive()
    assert.ok(await isActive(second.stdout.trim()), 'the session is alive')
    assert.ok(time.nowMs() - beganAtMs > 28_000)
    assert.match(second.stderr, /may still arrive/)
    await tool.run('token', '--refresh')
    assert.equal(pauses, 1, 'after that no refresh waits')
  })

  test('the tries of a run without any answer hold back the refresh after the next one', async (t) => {
    const tool = await expired(t, { graceSeconds: 1 })
    proxy.fail({ kind: 'hang-up' })
    assert.equal((await tool.run('token')).code, 4)
    proxy.heal()
    let pauses = 0
    virtualClock(t, async () => {
      pauses += 1
    })
    assert.equal((await tool.run('token')).code, 0)
    assert.equal(pauses, 0, 'the next run has to come within the grace')
    assert.equal((await tool.run('token', '--refresh')).code, 0)
    assert.equal(pauses, 1)
  })

  test('a lost try that an error follows holds back the refresh after the next one', async (t) => {
    const answers = [hangUp, json(401, { error: 'invalid_client' })]
    const issuer = `${await startAnswering(t, answers, broker.url)}/demo`
    const tool = await expired(t, { issuer, graceSeconds: 60 })
    assert.equal((await tool.run('token')).code, 1)
    let pauses = 0
    virtualClock(t, async () => {
      pauses += 1
    })
    assert.equal((await tool.run('token')).code, 0)
    assert.equal(pauses, 0)
    assert.equal((await tool.run('token', '--refresh')).code, 0)
    assert.equal(pauses, 1)
  })

  test('nothing is held back if the broker has answered each try', async (t) => {
    const unavailable = json(503, { error: 'temporarily_unavailable' })
    const issuer = `${await startAnswering(t, Array(3).fill(unavailable), broker.url)}/demo`
    const tool = await expired(t, { ...graceless, issuer })
    assert.equal((await tool.run('token')).code, 4)
    let pauses = 0
    virtualClock(t, async () => {
      pauses += 1
    })
    assert.equal((await tool.run('token')).code, 0)
    assert.equal(pauses, 0)
  })

  test('the end of a session is explained also after answers of 503, which may have spent the token', async (t) => {
    const unavailable = json(503, { error: 'temporarily_unavailable' })
    const answers = [unavailable, unavailable, unavailable, json(400, { error: 'invalid_grant' })]
    const tool = await expired(t, { ...graceless, issuer: `${await startAnswering(t, answers)}/demo` })
    assert.equal((await tool.run('token')).code, 4)
    const { code, stderr } = await tool.run('token')
    assert.deepEqual([code, /got no answer.*graceSeconds 60/.test(stderr)], [3, true], stderr)
  })

  test('a process that waits for a late try holds no lock, and a signal ends it at once', async (t) => {
    const tool = await expired(t)
    proxy.fail({ kind: 'hang-up' }, { times: 1 })
    await tool.run('token')
    const child = tool.start('token', '--refresh')
    await child.until(/may still arrive/)
    assert.deepEqual(await readdir(tool.home), ['sessions.json'])
    child.process.kill('SIGTERM')
    assert.equal((await child.ended).code, 143)
  })
})

describe('a signal while a refresh is under way, without grace', () => {
  const stages = [
    { name: 'before the broker is asked', fault: { kind: 'delay', ms: 500 }, signal: 'SIGTERM', code: 143 },
    { name: 'after the broker has refreshed', fault: { kind: 'answer-late', ms: 500 }, signal: 'SIGTERM', code: 143 },
    { name: 'as Ctrl-C sends it', fault: { kind: 'answer-late', ms: 500 }, signal: 'SIGINT', code: 130 },
    { name: 'as a closed terminal sends it', fault: { kind: 'answer-late', ms: 500 }, signal: 'SIGHUP', code: 129 },
  ] as const
  for (const { name, fault, signal, code } of stages) {
    test(`${signal} ${name} ends the process once the answer is stored`, async (t) => {
      const tool = await expired(t, graceless)
      const before = await stored(tool)
      proxy.fail(fault, { times: 1 })
      const child = tool.start('token')
      await (fault.kind === 'delay' ? until(() => requests() > 0) : proxy.silent())
      // Twice, as a service manager and a launcher each send one.
      child.process.kill(signal)
      child.process.kill(signal)
      assert.deepEqual(await child.ended, { code, signal: null })
      assert.equal(child.output.stdout, '')
      const now = await stored(tool)
      assert.notEqual(now.refreshToken, before.refreshToken)
      assert.ok(await isActive(now.accessToken))
      assert.equal((await tool.run('token', '--refresh')).code, 0)
    })
  }

  test('a signal at any moment never costs the session', async (t) => {
    const tool = await expired(t, graceless)
    for (let at = 0; at < 8; at += 1) {
      const child = tool.start('token', '--refresh')
      await pause(50 + at * 40)
      child.process.kill('SIGTERM')
      assert.notEqual((await child.ended).code, 3)
    }
    const { code, stderr } = await tool.run('token', '--refresh')
    assert.equal(code, 0, stderr)
  })

  test('a signal ends a process that waits for another one at once, and the other one goes on', async (t) => {
    const tool = await expired(t, graceless)
    proxy.fail({ kind: 'answer-late', ms: 1_500 }, { times: 1 })
    const one = tool.start('token')
    await proxy.silent()
    const other = tool.start('token')
    await pause(500)
    other.process.kill('SIGTERM')
    assert.equal((await other.ended).code ?? 143, 143)
    assert.equal(one.process.exitCode, null)
    assert.equal((await one.ended).code, 0)
  })
})
