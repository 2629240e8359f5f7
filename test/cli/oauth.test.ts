/** The device flow against a broker whose answers are lost. Pauses take no time. */

import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { waitForApproval } from '../../cli/oauth.ts'
import { OutOfReach } from '../../cli/problem.ts'
import { hangUp, json, startAnswering } from './support/answers.ts'
import { virtualClock } from './support/virtual-clock.ts'

const device = {
  deviceCode: 'dc',
  userCode: 'BCDF-GHJK',
  verificationUri: 'http://127.0.0.1/activate',
  verificationUriComplete: 'http://127.0.0.1/activate?user_code=BCDF-GHJK',
  expiresInSeconds: 900,
  intervalSeconds: 5,
}

/** @returns the issuer */
const brokerWith = async (t: TestContext, ...answers: readonly RequestListener[]) =>
  `${await startAnswering(t, answers)}/demo`
const tokens = json(200, { access_token: 'at', expires_in: 300, token_type: 'Bearer' })

test('login does not repeat a poll that may still be running', async (t) => {
  const time = virtualClock(t)
  const timeoutsMs: number[] = []
  const { timeout } = AbortSignal
  t.mock.method(AbortSignal, 'timeout', (ms: number) => {
    timeoutsMs.push(ms)
    return timeout.call(AbortSignal, ms)
  })
  const polledAtMs: number[] = []
  const noted = (answer: RequestListener): RequestListener => {
    return (incoming, outgoing) => {
      polledAtMs.push(time.nowMs())
      answer(incoming, outgoing)
    }
  }
  const issuer = await brokerWith(t, noted(hangUp), noted(tokens))
  const { accessToken } = await waitForApproval(issuer, { clientId: 'cli' }, device)
  assert.equal(accessToken, 'at')
  const [first = 0, second = 0] = polledAtMs
  assert.ok(second - first >= 30_000, `the second poll came ${second - first} ms after the first`)
  assert.ok(
    timeoutsMs.every((ms) => ms > 20_000),
    `a poll was given up after ${timeoutsMs} ms, but the broker may take 20 s`,
  )
})

test('login does not wait half a minute after a poll that the broker has answered, or that never reached it', async (t) => {
  const time = virtualClock(t)
  const beganAtMs = time.nowMs()
  const unavailable = json(503, { error: 'temporarily_unavailable' })
  const issuer = await brokerWith(t, unavailable, json(429, {}), json(400, { error: 'authorization_pending' }), tokens)
  await waitForApproval(issuer, { clientId: 'cli' }, { ...device, intervalSeconds: 1 })
  assert.ok(time.nowMs() - beganAtMs < 20_000)
})

test('login says that the answer with the tokens was lost, and to start again', async (t) => {
  virtualClock(t)
  const issuer = await brokerWith(t, hangUp, json(400, { error: 'invalid_grant' }))
  await assert.rejects(waitForApproval(issuer, { clientId: 'cli' }, device), {
    message: /invalid_grant/,
    hint: /lost.*token-broker login/,
  })
})

test('login goes on if the platform of a workload is out of reach for a moment', async (t) => {
  virtualClock(t)
  let proofs = 0
  const authenticate = async () => {
    proofs += 1
    if (proofs === 1) throw new OutOfReach('STS is out of reach.')
    return { client_assertion: 'proof' }
  }
  const issuer = await brokerWith(t, tokens)
  const { accessToken } = await waitForApproval(issuer, { clientId: 'cli', authenticate }, device)
  assert.deepEqual([accessToken, proofs], ['at', 2])
})
