/**
 * R5 to R9, R14, R20 and R25 of the cases: the grace window, told by a clock that the test moves.
 *
 * Owns graceSeconds: the same successor again, never a second branch, and never later than it says.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { cli, job } from './support/callers.ts'
import { refresh } from './support/endpoints.ts'
import { claimsOf, expectDead, expectRefusal, refreshed } from './support/expect.ts'
import { device } from './support/flows.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'

let broker: TimedBroker
before(async () => {
  broker = await startTimedBroker()
})
beforeEach(() => broker.freeze())
after(() => broker.stop())

/** A family of the client with ten seconds of grace, once rotated. */
async function rotated() {
  const first = await device(broker, job)
  return { first, second: await refreshed(broker, job, first.refreshToken) }
}

test('R5 within grace the old token gets the same successor, and an access token that works', async () => {
  const { first, second } = await rotated()
  broker.advance(5)
  const again = await refreshed(broker, job, first.refreshToken)
  assert.equal(again.refreshToken, second.refreshToken)
  assert.equal(claimsOf(again.accessToken).sid, claimsOf(second.accessToken).sid)
  await refreshed(broker, job, second.refreshToken)
})

test('R6 twenty retries within grace give one successor, and one live token', async () => {
  const { first, second } = await rotated()
  const given = new Set<string>()
  for (let turn = 0; turn < 20; turn += 1) {
    broker.advance(0.4)
    given.add((await refreshed(broker, job, first.refreshToken)).refreshToken)
  }
  assert.deepEqual([...given], [second.refreshToken])
  const third = await refreshed(broker, job, second.refreshToken)
  expectRefusal(await refresh(broker, job, first.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: job, ...third })
})

test('R7 the window does not slide: a retry within it does not open another', async () => {
  const { first, second } = await rotated()
  broker.advance(6)
  assert.equal((await refreshed(broker, job, first.refreshToken)).refreshToken, second.refreshToken)
  broker.advance(5)
  expectRefusal(await refresh(broker, job, first.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: job, ...second })
})

test('R8 once the successor was used, the old token is reuse even within grace, and the family dead', async () => {
  const { first, second } = await rotated()
  const third = await refreshed(broker, job, second.refreshToken)
  broker.advance(1)
  expectRefusal(await refresh(broker, job, first.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: job, ...third })
})

test('R8 the predecessor of the newest token is still forgiven: the window belongs to the last rotation', async () => {
  const { second } = await rotated()
  broker.advance(60)
  const third = await refreshed(broker, job, second.refreshToken)
  broker.advance(9)
  assert.equal((await refreshed(broker, job, second.refreshToken)).refreshToken, third.refreshToken)
})

test('R9 after grace the old token is invalid_grant and the family dead', async () => {
  const { first, second } = await rotated()
  broker.advance(11)
  expectRefusal(await refresh(broker, job, first.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: job, ...second })
})

test('R9 without grace a used token is reuse also to a broker whose clock is behind the one that rotated it', async () => {
  const first = await device(broker, cli)
  const second = await refreshed(broker, cli, first.refreshToken)
  broker.advance(-2)
  expectRefusal(await refresh(broker, cli, first.refreshToken), 400, 'invalid_grant')
  broker.advance(2)
  await expectDead(broker, { caller: cli, ...second })
})

test('R14 a caller whose answer was lost and who comes back after grace is taken for reuse', async () => {
  const first = await device(broker, job)
  await refresh(broker, job, first.refreshToken)
  broker.advance(10.5)
  expectRefusal(await refresh(broker, job, first.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: job, accessToken: first.accessToken, refreshToken: first.refreshToken })
})

test('R20 a retry within grace but past the lifetime is invalid_grant', async () => {
  let newest = (await device(broker, job)).refreshToken
  const day = 24 * 60 * 60
  for (let turn = 0; turn < 12; turn += 1) {
    broker.advance(29 * day)
    newest = (await refreshed(broker, job, newest)).refreshToken
  }
  broker.advance(17 * day - 5)
  const last = await refreshed(broker, job, newest)
  broker.advance(1)
  assert.equal((await refreshed(broker, job, newest)).refreshToken, last.refreshToken)
  broker.advance(6)
  expectRefusal(await refresh(broker, job, newest), 400, 'invalid_grant')
  expectRefusal(await refresh(broker, job, last.refreshToken), 400, 'invalid_grant')
})

test('R25 rotations within one millisecond are told apart: each successor works, and the first token is reuse', async () => {
  for (const caller of [cli, job]) {
    const first = await device(broker, caller)
    const second = await refreshed(broker, caller, first.refreshToken)
    const third = await refreshed(broker, caller, second.refreshToken)
    const fourth = await refreshed(broker, caller, third.refreshToken)
    const tokens = [first, second, third, fourth]
    assert.equal(new Set(tokens.map(({ refreshToken }) => refreshToken)).size, 4)
    assert.equal(new Set(tokens.map(({ accessToken }) => claimsOf(accessToken).jti)).size, 4)
    expectRefusal(await refresh(broker, caller, first.refreshToken), 400, 'invalid_grant')
    await expectDead(broker, { caller, ...fourth })
  }
})

test('R25 without grace, a token shown again in the millisecond of its rotation is reuse', async () => {
  const first = await device(broker, cli)
  const second = await refreshed(broker, cli, first.refreshToken)
  expectRefusal(await refresh(broker, cli, first.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: cli, ...second })
})

test('R25 rotations within one second are told apart as well', async () => {
  const first = await device(broker)
  const second = await refreshed(broker, cli, first.refreshToken)
  broker.advance(0.4)
  const third = await refreshed(broker, cli, second.refreshToken)
  broker.advance(0.4)
  expectRefusal(await refresh(broker, cli, second.refreshToken), 400, 'invalid_grant')
  await expectDead(broker, { caller: cli, ...third })
})
