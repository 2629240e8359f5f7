/**
 * R11, R12 and R23 of the cases: the same refresh token, and its revocation, at the same moment in several processes.
 *
 * Owns races, run for real over three brokers on one table.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newShared, startBroker } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { type Caller, cli, job } from '../flows/support/callers.ts'
import { poll, refresh, revoke, userinfo } from '../flows/support/endpoints.ts'
import { expectDead, expectRefusal, expectTokens, refreshed } from '../flows/support/expect.ts'
import { device } from '../flows/support/flows.ts'
import type { Answer } from '../flows/support/wire.ts'
import { type Store, startStore } from '../support/dynamodb.ts'

let store: Store
let brokers: readonly [BrokerHere, BrokerHere, BrokerHere]
before(async () => {
  store = await startStore()
  const shared = await newShared()
  const settings = { shared, dynamodb: store.endpoint }
  const first = await startBrokerHere(settings)
  brokers = [first, ...(await Promise.all([startBroker(settings), startBroker(settings)]))]
})
after(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()))
  await store.stop()
})

/** Where people sign in. */
const front = () => brokers[0]

/** One broker after the other. */
const at = (turn: number) => brokers[turn % brokers.length] ?? front()

/** The same refresh, so many times at once, spread over the brokers. */
function storm(caller: Caller, refreshToken: string, width: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: width }, (_, turn) => refresh(at(turn), caller, refreshToken)))
}

function expectNoFailure(answers: readonly Answer[]): void {
  assert.deepEqual(
    answers.filter(({ status }) => status >= 500),
    [],
  )
}

for (const [width, rounds] of [
  [10, 2],
  [50, 1],
] as const) {
  test(`R11 of ${width} parallel refreshes without grace at most one succeeds, none is a 5xx, and afterwards nothing lives`, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const first = await device(front(), cli)
      const answers = await storm(cli, first.refreshToken, width)
      expectNoFailure(answers)
      const given = answers.filter(({ status }) => status === 200)
      assert.ok(given.length <= 1, `${given.length} succeeded`)
      for (const refused of answers.filter(({ status }) => status !== 200)) expectRefusal(refused, 400, 'invalid_grant')
      for (const won of given) await expectDead(front(), { caller: cli, ...expectTokens(won) })
      await expectDead(front(), first)
    }
  })

  test(`R12 of ${width} parallel refreshes within grace all succeed, with one and the same successor`, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const first = await device(front(), job)
      const given = (await storm(job, first.refreshToken, width)).map((answer) => expectTokens(answer).refreshToken)
      const [successor = ''] = given
      assert.deepEqual([...new Set(given)], [successor])
      assert.notEqual(successor, first.refreshToken)
      const third = await refreshed(front(), job, successor)
      assert.notEqual(third.refreshToken, successor)
    }
  })
}

test('R12 a storm on each generation in turn keeps one chain', async () => {
  let newest = (await device(front(), job)).refreshToken
  for (let generation = 0; generation < 5; generation += 1) {
    const given = new Set((await storm(job, newest, 10)).map((answer) => expectTokens(answer).refreshToken))
    assert.equal(given.size, 1)
    newest = [...given][0] ?? ''
  }
  await refreshed(front(), job, newest)
})

for (const caller of [cli, job]) {
  test(`R23 a revocation racing a refresh of ${caller.clientId} leaves nothing alive, whoever wins`, async () => {
    for (let round = 0; round < 5; round += 1) {
      const first = await device(front(), caller)
      const [, one, other] = brokers
      const racing = [() => revoke(one, caller, first.refreshToken), () => refresh(other, caller, first.refreshToken)]
      const [revoked, renewed] = await Promise.all(racing.map((run) => run()))
      assert.equal(revoked?.status, 200)
      assert.ok(renewed && [200, 400].includes(renewed.status), renewed?.text)
      if (renewed.status === 200) await expectDead(front(), { caller, ...expectTokens(renewed) })
      await expectDead(front(), first)
    }
  })
}

test('R23 a revocation racing ten refreshes in a chain leaves nothing alive', async () => {
  const first = await device(front(), cli)
  const [, one, other] = brokers
  const chain = async () => {
    let newest = { accessToken: first.accessToken, refreshToken: first.refreshToken }
    for (let turn = 0; turn < 10; turn += 1) {
      const answer = await refresh(other, cli, newest.refreshToken)
      if (answer.status !== 200) return newest
      newest = expectTokens(answer)
    }
    return newest
  }
  const [newest] = await Promise.all([chain(), revoke(one, cli, first.refreshToken)])
  await expectDead(front(), { caller: cli, ...newest })
})

test('R11 a device code redeemed and shown again everywhere at once leaves at most one refresh token, and no 5xx', async () => {
  const session = await device(front(), cli)
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, turn) =>
      turn % 2 === 0 ? refresh(at(turn), cli, session.refreshToken) : poll(at(turn), cli, session.started.deviceCode),
    ),
  )
  expectNoFailure(answers)
  assert.ok(answers.filter(({ status }) => status === 200).length <= 1)
  await expectDead(front(), session)
  assert.equal((await userinfo(front(), 'demo', session.accessToken)).status, 401)
})
