/**
 * M6 and B20 of the cases: signing, MAC and seal keys rotate under traffic, over two brokers with one keyring.
 *
 * Owns what a rotation must not do to callers. When keys change is told in test/tokens/rotation.test.ts.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { rotateLocalKeys } from '../../local/rotate-keys.ts'
import { type Broker, newShared, type Shared, startBroker } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { type Caller, cli, job } from '../flows/support/callers.ts'
import { introspect, issuer, poll, userinfo } from '../flows/support/endpoints.ts'
import { expectTokens, refreshed } from '../flows/support/expect.ts'
import { device, deviceCode, walk } from '../flows/support/flows.ts'
import { type MovedClock, movedClock } from '../flows/support/moved-clock.ts'
import { Person } from '../flows/support/person.ts'
import { get } from '../flows/support/wire.ts'
import { type Store, startStore } from '../support/dynamodb.ts'

const quarter = 900
const day = 86_400

let clock: MovedClock
let store: Store
let shared: Shared
let brokers: readonly [BrokerHere, BrokerHere]
before(async () => {
  clock = movedClock()
  shared = await newShared()
  store = await startStore()
  const settings = { shared, dynamodb: store.endpoint }
  const first = await startBrokerHere({ ...settings, clock })
  brokers = [first, await startBroker({ ...settings, environment: clock.environment })]
})
after(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()))
  await store.stop()
})

const rotate = () => rotateLocalKeys(shared.dataDir, clock.nowMs())

async function published(broker: Broker): Promise<JSONWebKeySet> {
  const answer = await get(`${issuer(broker, 'demo')}/.well-known/jwks.json`)
  assert.equal(answer.status, 200)
  return answer.body as unknown as JSONWebKeySet
}
const kidsOf = async (broker: Broker) => (await published(broker)).keys.map(({ kid }) => kid)
const kidOf = (token: string) => decodeProtectedHeader(token).kid

test('M6 a new key is published before its first use, the old one until its last token has expired', async () => {
  const [broker] = brokers
  const session = await device(broker)
  const oldKid = kidOf(session.accessToken)
  clock.advance(quarter)
  const beforehand = await kidsOf(broker)
  const { used_from } = await rotate()
  clock.advance(301)
  const during = await kidsOf(broker)
  for (const kid of beforehand) assert.ok(during.includes(kid))

  const waitSeconds = Math.ceil((Date.parse(used_from) - clock.nowMs()) / 1000)
  clock.advance(waitSeconds - 4)
  const last = await refreshed(broker, cli, session.refreshToken)
  assert.equal(kidOf(last.accessToken), oldKid, 'the old key signs to the last')
  clock.advance(5)
  const first = await refreshed(broker, cli, last.refreshToken)
  const newKid = kidOf(first.accessToken)
  assert.notEqual(newKid, oldKid)
  assert.ok(beforehand.includes(newKid), 'the new key was there even before the rotation')
  const still = await userinfo(broker, 'demo', last.accessToken)
  assert.equal(still.status, 200, 'what the old key signed is good until it expires')

  // A day is the longest that an access token may live; a quarter of an hour is the margin.
  clock.advance(day - 60)
  const lasting = createLocalJWKSet(await published(broker))
  for (const { accessToken } of [last, first]) {
    await jwtVerify(accessToken, lasting, { currentDate: new Date(clock.nowMs() - day * 1000 + 60_000) })
  }
  clock.advance(60 + quarter)
  await rotate()
  clock.advance(301)
  const afterwards = await kidsOf(broker)
  assert.ok(!afterwards.includes(oldKid))
  assert.ok(afterwards.includes(newKid))
})

// --- traffic --------------------------------------------------------------------------------------------------------

/** @property ended rejects with the first call that was lost */
type Traffic = { readonly calls: () => number; readonly ended: Promise<unknown>; stop(): Promise<void> }

/** Sessions that are refreshed, looked at and begun all the time, each call at the other broker. A call lost is thrown. */
function startTraffic(sessions: readonly { caller: Caller; refreshToken: string }[]): Traffic {
  let calls = 0
  let isOver = false
  const loops = sessions.map(async ({ caller, refreshToken }, lane) => {
    for (let token = refreshToken, turn = lane; !isOver; turn += 1) {
      const [one, other] = turn % 2 === 0 ? brokers : [brokers[1], brokers[0]]
      const moves = clock.moves()
      const next = await refreshed(one, caller, token)
      const seen = await introspect(other, next.refreshToken)
      assert.equal(seen.body.active, true, seen.text)
      const claims = await userinfo(one, 'demo', next.accessToken)
      const started = await deviceCode(one, cli)
      const polled = await poll(other, cli, started.deviceCode)
      // Access tokens and device codes live for minutes, and the clock may have gone on by more than that.
      if (clock.moves() === moves) {
        assert.equal(claims.status, 200, claims.text)
        assert.equal(polled.body.error, 'authorization_pending', polled.text)
      }
      calls += 5
      token = next.refreshToken
    }
  })
  const ended = Promise.all(loops)
  ended.catch(() => {})
  return {
    calls: () => calls,
    ended,
    stop: async () => {
      isOver = true
      await ended
    },
  }
}

test('B20 signing, MAC and seal keys rotate under traffic, and no call is lost', async () => {
  const sessions = await Promise.all([cli, cli, job, job].map((caller, at) => device(brokers[at % 2]!, caller)))
  const traffic = startTraffic(sessions)
  const someCalls = async () => {
    const enough = traffic.calls() + 20
    while (traffic.calls() < enough) await Promise.race([traffic.ended, pause(20)])
  }
  for (let round = 0; round < 3; round += 1) {
    clock.advance(quarter)
    const { used_from } = await rotate()
    await someCalls()
    clock.advance(301)
    await someCalls()

    // Seconds before the handover: a sign-in begins, a code is drawn, and an answer is lost.
    clock.advance(Math.ceil((Date.parse(used_from) - clock.nowMs()) / 1000) - 4)
    const [one, other] = brokers
    const replayed = await device(one, job)
    clock.advance(Math.ceil((Date.parse(used_from) - clock.nowMs()) / 1000) - 4)
    const successor = await refreshed(one, job, replayed.refreshToken)
    const started = await deviceCode(one, cli)
    const person = new Person()
    const question = await person.open(started.verificationUriComplete)
    clock.advance(5)
    const again = await refreshed(other, job, replayed.refreshToken)
    assert.equal(
      again.refreshToken,
      successor.refreshToken,
      'a replay in its grace is the same token, by whichever key',
    )
    assert.notEqual(kidOf(again.accessToken), kidOf(successor.accessToken), 'the handover was in between')
    await walk(person, question, { decision: 'approve' })
    expectTokens(await poll(other, cli, started.deviceCode))
    await someCalls()
  }
  await traffic.stop()
  assert.ok(traffic.calls() >= 180)
})
