/**
 * R3, R29 and V10 of the cases: what a caller sees of a store that is away or throttled, and when it is not asked at all.
 *
 * Owns outages of the store, played by a proxy in front of it (contract.md §2: what the caller holds stays usable).
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { cli, web } from './support/callers.ts'
import {
  authorizeUrl,
  exchange,
  introspect,
  poll,
  refresh,
  revoke,
  startDevice,
  userinfo,
} from './support/endpoints.ts'
import { expectDead, expectRefusal, expectTokens, expectUnavailable, refreshed } from './support/expect.ts'
import { type FaultProxy, internalError, overProvisioned, throttling } from './support/fault-proxy.ts'
import { authorizationCode, decide, device, deviceCode } from './support/flows.ts'
import { Person } from './support/person.ts'
import { startFaultyStore } from './support/store.ts'

let store: FaultProxy
let broker: BrokerHere
before(async () => {
  store = await startFaultyStore()
  broker = await startBrokerHere({ dynamodb: store.endpoint })
})
afterEach(() => store.heal())
after(async () => {
  await broker.stop()
  await store.stop()
})

/** What a run asks of the store with the registry cached: the first run may have had to read it, so the second counts. */
async function storeRequests(run: () => Promise<void>): Promise<Readonly<Record<string, number>>> {
  await run()
  store.forget()
  await run()
  return store.counts()
}

test('R3 a token that is unknown, cut or altered costs not one store request', async () => {
  const { refreshToken } = await device(broker)
  const newest = (await refreshed(broker, cli, refreshToken)).refreshToken
  const altered = (at: number) => newest.slice(0, at) + (newest[at] === 'A' ? 'B' : 'A') + newest.slice(at + 1)
  const positions = [...newest].map((_, at) => at).filter((at) => at % 7 === 0)
  const wrong = ['nonsense', 'rt_', newest.slice(0, -1), newest.slice(3), `${newest}A`, ...positions.map(altered)]
  const requests = await storeRequests(async () => {
    for (const token of wrong) expectRefusal(await refresh(broker, cli, token), 400, 'invalid_grant')
  })
  assert.deepEqual(requests, {})
  await refreshed(broker, cli, newest)
})

test('R1 a refresh is one store request', async () => {
  const { refreshToken } = await device(broker)
  let newest = (await refreshed(broker, cli, refreshToken)).refreshToken
  const requests = await storeRequests(async () => {
    newest = (await refreshed(broker, cli, newest)).refreshToken
  })
  assert.deepEqual(requests, { UpdateItem: 1 })
})

for (const fault of [throttling, overProvisioned, internalError, { kind: 'hang-up' }] as const) {
  const name = fault.kind === 'error' ? `that answers ${fault.name}` : 'that hangs up'
  test(`R29 a store ${name} makes a refresh 503 with Retry-After, and the token is still good`, async () => {
    const { refreshToken } = await device(broker)
    store.fail(fault)
    expectUnavailable(await refresh(broker, cli, refreshToken))
    store.heal()
    await refreshed(broker, cli, refreshToken)
  })
}

test('R29 a store that refuses connections makes a refresh 503 with Retry-After, and the token is still good', async () => {
  const { refreshToken } = await device(broker)
  await store.goAway()
  expectUnavailable(await refresh(broker, cli, refreshToken))
  await store.comeBack()
  await refreshed(broker, cli, refreshToken)
})

test('R29 a store that stumbles once is not noticed', async () => {
  const { refreshToken } = await device(broker)
  store.fail(throttling, { times: 1 })
  const next = await refreshed(broker, cli, refreshToken)
  store.fail({ kind: 'hang-up' }, { times: 1 })
  await refreshed(broker, cli, next.refreshToken)
})

test('R29 every endpoint that needs the store says 503 with Retry-After while it is away, and goes on afterwards', async () => {
  const session = await device(broker)
  const issued = await authorizationCode(broker, web)
  const approved = await deviceCode(broker)
  await decide(approved, 'approve')
  store.fail(internalError)
  const asked = await Promise.all([
    startDevice(broker, cli),
    poll(broker, cli, approved.deviceCode),
    exchange(broker, web, issued),
    introspect(broker, session.accessToken),
    revoke(broker, cli, session.refreshToken),
  ])
  for (const answer of asked) expectUnavailable(answer)
  const claims = await userinfo(broker, 'demo', session.accessToken)
  assert.equal(claims.status, 503, claims.text)
  assert.match(claims.headers['retry-after'] ?? '', /^[1-9][0-9]*$/)
  assert.equal((await new Person().open(approved.verificationUriComplete)).status, 503)
  store.heal()
  expectTokens(await poll(broker, cli, approved.deviceCode))
  expectTokens(await exchange(broker, web, issued))
  await refreshed(broker, cli, session.refreshToken)
})

test('R29 a person on the way back from the provider meets a 503 page, and the device stays pending', async () => {
  const started = await deviceCode(broker)
  store.fail(internalError, { operations: ['UpdateItem', 'PutItem'] })
  const page = await decide(started, 'approve')
  assert.equal(page.status, 503, page.text)
  assert.match(page.headers['content-type'] ?? '', /^text\/html/)
  // The provider's code is spent, so the way on is a new sign-in, and not the same address.
  assert.doesNotMatch(page.html, /oauth\/callback/)
  assert.match(page.html, /\/activate\?user_code=/)
  store.heal()
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
})

test('V10 a store that is away makes a revocation 503, never 200; what should be revoked lives until the next try', async () => {
  for (const fault of [throttling, internalError, { kind: 'hang-up' }] as const) {
    const session = await device(broker)
    store.fail(fault)
    expectUnavailable(await revoke(broker, cli, session.refreshToken))
    expectUnavailable(await revoke(broker, cli, session.accessToken))
    store.heal()
    const next = await refreshed(broker, cli, session.refreshToken)
    assert.equal((await revoke(broker, cli, next.refreshToken)).status, 200)
    await expectDead(broker, { caller: cli, ...next })
  }
})

test('R29 an authorization request needs no store: the browser is sent to the provider all the same', async () => {
  await authorizationCode(broker, web)
  store.fail(internalError, { operations: ['PutItem', 'UpdateItem', 'DeleteItem'] })
  const page = await new Person().open(authorizeUrl(broker, web), (url) => url.origin !== broker.url)
  assert.notEqual(page.url.origin, broker.url)
})
