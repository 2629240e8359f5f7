/**
 * Keys in wrong hands: what a retirement ends, from when, and what goes on.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { retireLocalKeys } from '../../local/rotate-keys.ts'
import { newShared, type Shared, startBroker } from '../flows/support/broker.ts'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { cli } from '../flows/support/callers.ts'
import { issuer, poll, refresh, revoke, userinfo } from '../flows/support/endpoints.ts'
import { expectErrorPage, expectRefusal, refreshed } from '../flows/support/expect.ts'
import { device, deviceCode, walk } from '../flows/support/flows.ts'
import { type MovedClock, movedClock } from '../flows/support/moved-clock.ts'
import { Person } from '../flows/support/person.ts'
import { get } from '../flows/support/wire.ts'
import { type Store, startStore } from '../support/dynamodb.ts'

let clock: MovedClock
let store: Store
let shared: Shared
let broker: BrokerHere
before(async () => {
  clock = movedClock()
  shared = await newShared()
  store = await startStore()
  broker = await startBrokerHere({ shared, dynamodb: store.endpoint, clock })
})
after(async () => {
  await broker.stop()
  await store.stop()
})

const retire = (names: readonly string[] | 'all') => retireLocalKeys(shared.dataDir, names, clock.nowMs())

/** The keyring is read again five minutes after it was read; whatever is asked then reads it. */
async function inEffect(effectiveAt: string): Promise<void> {
  assert.equal(Date.parse(effectiveAt) <= clock.nowMs() + 300_000, true)
  clock.advance(301)
}

test('a signing key retired: its access tokens are refused, it is published no more, and sessions go on', async () => {
  // The keyring is read now, so that it is read again while the access token would still be good.
  clock.advance(301)
  await get(`${issuer(broker, 'demo')}/.well-known/jwks.json`)
  clock.advance(200)
  const session = await device(broker, cli)
  const { kid = '' } = decodeProtectedHeader(session.accessToken)
  await retire([kid])
  assert.equal((await userinfo(broker, 'demo', session.accessToken)).status, 200, 'not read again yet')
  clock.advance(101)
  assert.equal((await userinfo(broker, 'demo', session.accessToken)).status, 401)
  const next = await refreshed(broker, cli, session.refreshToken)
  assert.notEqual(decodeProtectedHeader(next.accessToken).kid, kid)
  assert.equal((await userinfo(broker, 'demo', next.accessToken)).status, 200)
  const { body } = await get(`${issuer(broker, 'demo')}/.well-known/jwks.json`)
  assert.ok(!JSON.stringify(body).includes(kid))
})

test('a MAC key retired: refresh tokens made with it are refused, and people sign in again', async () => {
  const session = await device(broker, cli)
  const id = Buffer.from(session.refreshToken.slice(3), 'base64url').readUInt8(0)
  const { effective_at } = await retire([`mac-${id}`])
  await inEffect(effective_at)
  expectRefusal(await refresh(broker, cli, session.refreshToken), 400, 'invalid_grant')
  const again = await device(broker, cli)
  assert.notEqual(Buffer.from(again.refreshToken.slice(3), 'base64url').readUInt8(0), id)
  await refreshed(broker, cli, again.refreshToken)
})

test('every key retired: a sign-in under way starts again, nothing old is good, and what is new is', async () => {
  const session = await device(broker, cli)
  const started = await deviceCode(broker, cli)
  const person = new Person()
  const question = await person.open(started.verificationUriComplete)
  const { effective_at, known_everywhere } = await retire('all')
  assert.equal(known_everywhere, false)
  await inEffect(effective_at)
  expectErrorPage(await walk(person, question, { decision: 'approve' }))
  expectRefusal(await refresh(broker, cli, session.refreshToken), 400, 'invalid_grant')
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'invalid_grant')
  assert.equal((await userinfo(broker, 'demo', session.accessToken)).status, 401)
  await refreshed(broker, cli, (await device(broker, cli)).refreshToken)
})

test('what a key makes that came with a retirement is good where that has not been heard of yet, and can be revoked there', async () => {
  await refreshed(broker, cli, (await device(broker, cli)).refreshToken)
  await retire('all')
  const informed = await startBroker({ shared, dynamodb: store.endpoint, environment: clock.environment })
  try {
    const [kept, ended] = [await device(informed, cli), await device(informed, cli)]
    clock.advance(11)
    assert.equal((await revoke(broker, cli, ended.refreshToken)).status, 200)
    expectRefusal(await refresh(informed, cli, ended.refreshToken), 400, 'invalid_grant')
    await refreshed(informed, cli, (await refreshed(broker, cli, kept.refreshToken)).refreshToken)
  } finally {
    await informed.stop()
  }
})
