/** The device flow against a broker whose answers are lost. Pauses take no time. */

import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { waitForApproval } from '../../cli/oauth.ts'
import { virtualClock } from './support/virtual-clock.ts'

const device = {
  deviceCode: 'dc',
  userCode: 'BCDF-GHJK',
  verificationUri: 'http://127.0.0.1/activate',
  verificationUriComplete: 'http://127.0.0.1/activate?user_code=BCDF-GHJK',
  expiresInSeconds: 900,
  intervalSeconds: 5,
}

/** Answers each poll in turn as one of these says. @returns the issuer */
async function brokerWith(t: TestContext, ...answers: readonly RequestListener[]): Promise<string> {
  let polls = 0
  const server = createServer((incoming, outgoing) => {
    const answer = answers[polls]
    polls += 1
    incoming.resume().on('end', () => answer?.(incoming, outgoing))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/demo`
}

const hangUp: RequestListener = ({ socket }) => socket.destroy()
const json =
  (status: number, body: object): RequestListener =>
  (_incoming, outgoing) =>
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
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
