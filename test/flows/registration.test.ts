/**
 * N1 to N12 of the cases: what is taken from a client's registration is gone from its sessions, and is back when it is
 * registered again.
 *
 * Owns a broker in this process, whose registry the test changes while sessions live. That a change is in effect within ten
 * seconds is test/store/registrations.test.ts.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import type { Client } from '../../shared/domain/registration.ts'
import type { Change } from '../../shared/domain/registry-changes.ts'
import { processParts } from '../../shared/parts.ts'
import { putRegistry, readRegistry, writeChanges } from '../../shared/store/registry.ts'
import { type FallibleProvider, startFallibleProvider } from '../support/fallible-provider.ts'
import { type Caller, cli, job, spa, web } from './support/callers.ts'
import {
  authorizeUrl,
  deviceGrant,
  endpoint,
  exchange,
  fullScope,
  introspect,
  poll,
  refresh,
  userinfo,
} from './support/endpoints.ts'
import {
  claimsOf,
  expectChallenge,
  expectErrorPage,
  expectInactive,
  expectRefusal,
  expectTokens,
  refreshed,
} from './support/expect.ts'
import { authorizationCode, code, decide, device, deviceCode, pkce, walk } from './support/flows.ts'
import { revokeMany, revokeOne } from './support/ops.ts'
import { Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'
import { startTimedBroker, type TimedBroker } from './support/timed-broker.ts'
import { addVaulted, exchangeToken, host, worker } from './support/vault.ts'
import { formBody, postForm } from './support/wire.ts'

const [one, two] = ['https://one.example', 'https://two.example']
const many: Caller = { ...cli, clientId: 'many' }

let provider: FallibleProvider
let broker: TimedBroker
before(async () => {
  provider = await startFallibleProvider()
  const registry = registryFile((copy) => {
    addVaulted(copy, provider)
    copy.addClient('demo', {
      ...{ clientId: many.clientId, auth: 'none', grants: [deviceGrant, 'refresh_token'], audiences: [one, two] },
    })
  })
  broker = await startTimedBroker(registry)
})
beforeEach(() => broker.freeze())
after(async () => {
  await broker.stop()
  await provider.stop()
})

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const back of undo.splice(0).reverse()) await back()
})

/** As `apply` does it, and ten seconds later. It is undone after the test. */
async function register({ application, clientId }: Caller, changes: Partial<Client>): Promise<void> {
  const { registrations, table } = processParts()
  const before = (await registrations.client(application, clientId)) ?? assert.fail(clientId)
  const write = async (client: Client) => {
    await putRegistry(table, { applications: [], clients: [client] })
    registrations.forget(application, clientId)
  }
  undo.push(() => write(before))
  await write({ ...before, ...changes })
}

const without = (scope: string) => fullScope.split(' ').filter((word) => word !== scope)

test('N1 a refresh gives the scopes that are still registered, in their order, says which, and gives all once they are back', async () => {
  const first = await device(broker, cli)
  await register(cli, { scopes: ['offline_access', 'openid', 'email'] })
  const second = expectTokens(await refresh(broker, cli, first.refreshToken))
  assert.equal(second.body.scope, 'openid email offline_access')
  assert.equal(claimsOf(second.accessToken).scope, 'openid email offline_access')
  await register(cli, { scopes: fullScope.split(' ') })
  assert.equal(expectTokens(await refresh(broker, cli, second.refreshToken)).body.scope, fullScope)
})

test('N1 so does a retry within the grace', async () => {
  const first = await device(broker, job)
  const second = await refreshed(broker, job, first.refreshToken)
  await register(job, { scopes: without('profile') })
  const again = expectTokens(await refresh(broker, job, first.refreshToken))
  assert.deepEqual([again.refreshToken, again.body.scope], [second.refreshToken, 'openid email offline_access'])
})

test('N1 so does the exchange of a device code, and of an authorization code', async () => {
  const started = await deviceCode(broker, cli)
  await decide(started, 'approve')
  const issued = await authorizationCode(broker, web)
  for (const caller of [cli, web]) await register(caller, { scopes: without('email') })
  const polled = expectTokens(await poll(broker, cli, started.deviceCode))
  const exchanged = expectTokens(await exchange(broker, web, issued))
  for (const { body, accessToken } of [polled, exchanged]) {
    assert.equal(body.scope, 'openid profile offline_access')
    assert.equal(claimsOf(accessToken).scope, body.scope)
  }
})

test('N2 a scope that was granted and is no longer registered is invalid_scope when it is asked for, and spends nothing', async () => {
  const { refreshToken } = await device(broker, cli)
  await register(cli, { scopes: without('email') })
  for (const scope of ['email', fullScope]) {
    expectRefusal(await refresh(broker, cli, refreshToken, { scope }), 400, 'invalid_scope')
  }
  const narrowed = expectTokens(await refresh(broker, cli, refreshToken, { scope: 'openid profile' }))
  assert.equal(narrowed.body.scope, 'openid profile')
})

test('N3 without openid there is no ID token, and userinfo is insufficient_scope', async () => {
  const session = await device(broker, cli)
  const issued = await authorizationCode(broker, web)
  for (const caller of [cli, web]) await register(caller, { scopes: without('openid') })
  expectChallenge(await userinfo(broker, 'demo', session.accessToken), 403, 'insufficient_scope')
  const exchanged = expectTokens(await exchange(broker, web, issued))
  assert.deepEqual([exchanged.idToken, exchanged.body.scope], ['', 'profile email offline_access'])
})

test('N4 without offline_access a refresh is unauthorized_client, and the session is kept for when it is back', async () => {
  const first = await device(broker, cli)
  await register(cli, { scopes: without('offline_access') })
  expectRefusal(await refresh(broker, cli, first.refreshToken), 400, 'unauthorized_client')
  assert.equal((await userinfo(broker, 'demo', first.accessToken)).status, 200)
  await register(cli, { scopes: fullScope.split(' ') })
  await refreshed(broker, cli, first.refreshToken)
})

test('N4 a code that is exchanged without offline_access brings no refresh token', async () => {
  const issued = await authorizationCode(broker, web)
  await register(web, { scopes: without('offline_access') })
  const { refreshToken, body } = expectTokens(await exchange(broker, web, issued))
  assert.deepEqual([refreshToken, body.scope], ['', 'openid profile email'])
  assert.equal(body.refresh_token_timeout, undefined)
})

test('N5 userinfo tells the claims of scopes that are still registered, whatever the access token says', async () => {
  const { accessToken } = await device(broker, cli)
  assert.equal(typeof (await userinfo(broker, 'demo', accessToken)).body.email, 'string')
  await register(cli, { scopes: without('email') })
  const { body } = await userinfo(broker, 'demo', accessToken)
  assert.deepEqual([body.email, typeof body.name], [undefined, 'string'])
})

test('N6 introspection tells the scopes that are still registered, of access and refresh tokens', async () => {
  const { accessToken, refreshToken } = await device(broker, cli)
  await register(cli, { scopes: without('email') })
  for (const token of [accessToken, refreshToken]) {
    const { body } = await introspect(broker, token)
    assert.deepEqual([body.active, body.scope], [true, 'openid profile offline_access'])
  }
  await register(cli, { scopes: [] })
  const { body } = await introspect(broker, accessToken)
  assert.deepEqual([body.active, body.scope], [true, undefined])
})

test('N7 an audience that is no longer registered is invalid_target at a refresh, and the session is kept', async () => {
  const first = await device(broker, cli)
  await register(cli, { audiences: ['https://other.example.test'] })
  for (const extra of [{}, { audience: 'https://api.example.test' }, { audience: 'https://other.example.test' }]) {
    expectRefusal(await refresh(broker, cli, first.refreshToken, extra), 400, 'invalid_target')
  }
  assert.equal((await userinfo(broker, 'demo', first.accessToken)).status, 200)
  await register(cli, { audiences: ['https://other.example.test', 'https://api.example.test'] })
  const second = await refreshed(broker, cli, first.refreshToken)
  assert.equal(claimsOf(second.accessToken).aud, 'https://api.example.test')
})

test('N7 nor can it be had by the exchange of a code, and the code is kept', async () => {
  const started = await deviceCode(broker, cli)
  await decide(started, 'approve')
  const issued = await authorizationCode(broker, web)
  for (const caller of [cli, web]) await register(caller, { audiences: ['https://other.example.test'] })
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'invalid_target')
  expectRefusal(await exchange(broker, web, issued), 400, 'invalid_target')
  for (const caller of [cli, web]) await register(caller, { audiences: ['https://api.example.test'] })
  expectTokens(await poll(broker, cli, started.deviceCode))
  expectTokens(await exchange(broker, web, issued))
})

test('N8 of two audiences one that is left may be asked for by itself', async () => {
  const { fields } = { fields: { client_id: many.clientId, scope: 'openid offline_access' } }
  const started = await postForm(endpoint(broker, 'demo', 'device_authorization'), [
    ...Object.entries(fields),
    ['resource', one],
    ['resource', two],
  ])
  const verificationUriComplete = String(started.body.verification_uri_complete)
  await decide({ deviceCode: '', userCode: '', verificationUri: '', verificationUriComplete }, 'approve')
  const first = expectTokens(await poll(broker, many, String(started.body.device_code)))
  assert.deepEqual(claimsOf(first.accessToken).aud, [one, two])
  await register(many, { audiences: [two] })
  expectRefusal(await refresh(broker, many, first.refreshToken), 400, 'invalid_target')
  expectRefusal(await refresh(broker, many, first.refreshToken, { resource: one }), 400, 'invalid_target')
  for (const token of [first.accessToken, first.refreshToken]) {
    assert.equal((await introspect(broker, token)).body.aud, two)
  }
  const second = expectTokens(await refresh(broker, many, first.refreshToken, { resource: two }))
  assert.equal(claimsOf(second.accessToken).aud, two)
  await register(many, { audiences: [one, two] })
  const third = expectTokens(await refresh(broker, many, second.refreshToken))
  assert.deepEqual(claimsOf(third.accessToken).aud, [one, two])
})

test('N8 an access token for no registered audience is inactive, and its refresh token tells none', async () => {
  const { accessToken, refreshToken } = await device(broker, cli)
  await register(cli, { audiences: ['https://other.example.test'] })
  expectInactive(await introspect(broker, accessToken))
  const { body } = await introspect(broker, refreshToken)
  assert.deepEqual([body.active, body.aud], [true, undefined])
})

test('N9 a token exchange for an audience that is no longer registered is invalid_target', async () => {
  const { accessToken, refreshToken } = await code(broker, host)
  await register(host, { audiences: ['https://other.example.test'] })
  expectRefusal(await exchangeToken(broker, worker, accessToken), 400, 'invalid_target')
  await register(host, { audiences: ['https://api.example.test'] })
  assert.equal((await exchangeToken(broker, worker, accessToken)).status, 200)
  await refreshed(broker, host, refreshToken)
})

test('N9 a token exchange for one whose client has lost a scope goes on: it was not narrowed', async () => {
  const { accessToken, refreshToken } = await code(broker, host)
  await register(host, { scopes: without('email') })
  assert.equal((await exchangeToken(broker, worker, accessToken)).status, 200)
  const fewer = await refreshed(broker, host, refreshToken)
  assert.equal((await exchangeToken(broker, worker, fewer.accessToken)).status, 200)
})

test('N9 a public client may not exchange, though it was registered before the rule', async () => {
  const session = await code(broker, host)
  await register(worker, { auth: 'none', secretHashes: [] })
  const own: Caller = { ...worker, auth: 'none' }
  expectRefusal(await exchangeToken(broker, own, session.accessToken), 403, 'unauthorized_client')
})

test('N10 a question about a client is not answered at an address that was taken off meanwhile', async () => {
  for (const decision of ['approve', 'deny'] as const) {
    const person = new Person()
    const question = await person.open(authorizeUrl(broker, spa, pkce().parameters))
    await register(spa, { redirectUris: ['https://moved.example/cb'] })
    const page = await walk(person, question, { decision, halt: ({ origin }) => origin !== broker.url })
    expectErrorPage(page)
    await undo.pop()?.()
  }
})

test('N10 nor is a sign-in, whatever the provider says of it', async () => {
  const person = new Person()
  const away = await person.open(authorizeUrl(broker, web, { state: 'st' }), ({ origin }) => origin !== broker.url)
  const back = new URL(endpoint(broker, 'demo', 'callback'))
  back.search = formBody({
    state: away.url.searchParams.get('state') ?? '',
    error: 'access_denied',
    iss: away.url.origin,
  })
  await register(web, { redirectUris: ['https://moved.example/cb'] })
  expectErrorPage(await person.open(back))
  await undo.pop()?.()
  assert.equal((await person.open(back)).url.searchParams.get('error'), 'access_denied')
})

test('N12 access_tokens_until covers the tokens that were issued before accessTokenSeconds was lowered', async () => {
  await register(cli, { accessTokenSeconds: 86_400 })
  const { accessToken } = await device(broker, cli)
  const { sid, exp } = claimsOf(accessToken)
  await register(cli, { accessTokenSeconds: 60 })
  await register(cli, { accessTokenSeconds: 30 })
  for (const answer of [
    await revokeOne(broker, cli.application, String(sid)),
    await revokeMany(broker, cli.application, { client_id: cli.clientId }),
  ]) {
    const untilMs = Date.parse(String(answer.body.access_tokens_until))
    assert.ok(untilMs >= Number(exp) * 1000, String(answer.body.access_tokens_until))
    assert.ok(untilMs < Number(exp) * 1000 + 60_000, 'and no longer than that')
  }
})

// The last one, because the client refuses sign-ins until ten seconds after its removal.
test('N11 a client that is registered again at once revives no session of the removed one', async () => {
  const { registrations, table } = processParts()
  const record = (await registrations.client(cli.application, cli.clientId)) ?? assert.fail()
  const change = async (kind: Change['kind'], nowMs: number) => {
    const stored = await readRegistry(table)
    assert.ok(await writeChanges(table, stored, [{ kind, record, members: [] }], { nowMs }))
    registrations.forget(cli.application, cli.clientId)
  }
  const old = await device(broker, cli)
  const nowMs = Date.now()
  await change('removed', nowMs)
  await change('added', nowMs + 1_000)
  expectRefusal(await refresh(broker, cli, old.refreshToken), 400, 'invalid_grant')
  broker.advance(11)
  await refreshed(broker, cli, (await device(broker, cli)).refreshToken)
})
