/**
 * C21 to C24 of the cases: what a client asks of the sign-in, and what the provider must have said of it when the browser returns.
 *
 * Owns prompt=login, max_age, auth_time, id_token_hint and acr (OIDC Core §2, §3.1.2.1) against a provider that says what a
 * test tells it to.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { providerClientId, startProvider, type TestProvider } from '../support/provider.ts'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { spa, userdocs, web } from './support/callers.ts'
import { authorizeUrl, type Extra, exchange, issuer, refresh } from './support/endpoints.ts'
import { claimsOf, expectTokens } from './support/expect.ts'
import { authorizationCode, code } from './support/flows.ts'
import { Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'

let server: TestProvider
let broker: BrokerHere
before(async () => {
  server = await startProvider()
  const registry = registryFile(({ application, addApplication }) => {
    const provider = { kind: 'oidc', issuer: server.issuer, clientId: providerClientId, auth: 'none' }
    addApplication({ ...application('demo'), name: 'told', displayName: 'Told', provider })
  })
  broker = await startBrokerHere({ registry })
})
afterEach(() => server.behave())
after(async () => {
  await broker.stop()
  await server.stop()
})

const told = { ...web, application: 'told' }
const nowSeconds = () => Math.floor(Date.now() / 1000)

/** Goes to the provider and straight back, with an ID token that has these claims. */
async function signIn(asked: Extra, claims: Readonly<Record<string, unknown>>): Promise<URL> {
  const person = new Person()
  const start = authorizeUrl(broker, told, { state: 'st', ...asked })
  const { url } = await person.open(start, ({ origin }) => origin === server.issuer)
  server.idToken.claims = { nonce: url.searchParams.get('nonce'), name: 'Ada', ...claims }
  const callback = new URL(`${issuer(broker, 'told')}/oauth/callback`)
  callback.search = new URLSearchParams({ code: 'c', state: url.searchParams.get('state') ?? '' }).toString()
  return (await person.open(callback)).url
}

async function idTokenOf(url: URL) {
  return claimsOf(expectTokens(await exchange(broker, told, url.searchParams.get('code') ?? '')).idToken)
}

function expectLoginRequired(url: URL): void {
  assert.deepEqual([url.searchParams.get('error'), url.searchParams.get('state')], ['login_required', 'st'], url.href)
  assert.equal(url.searchParams.get('code'), null)
}

test('C21 prompt=login that a browser took off the request is login_required, for the sign-in is older than it', async () => {
  for (const prompt of ['login', 'consent login']) {
    expectLoginRequired(await signIn({ prompt }, { auth_time: nowSeconds() - 60 }))
    assert.ok((await signIn({ prompt }, { auth_time: nowSeconds() })).searchParams.get('code'))
  }
})

test('C21 a sign-in that is older than max_age is login_required, a younger one is not', async () => {
  expectLoginRequired(await signIn({ max_age: '600' }, { auth_time: nowSeconds() - 700 }))
  expectLoginRequired(await signIn({ max_age: '0' }, { auth_time: nowSeconds() - 60 }))
  const authTime = nowSeconds() - 500
  assert.equal((await idTokenOf(await signIn({ max_age: '600' }, { auth_time: authTime }))).auth_time, authTime)
})

test('C21 a provider that tells no auth_time although it was asked for makes it login_required, and the operator is told', async () => {
  for (const asked of [{ prompt: 'login' }, { max_age: '600' }]) {
    expectLoginRequired(await signIn(asked, { auth_time: undefined }))
  }
  assert.match(
    broker.output(),
    /"event":"provider\.unexpected".*the ID token has no auth_time although it was asked for/,
  )
})

test('C21 a provider of kind oauth2 cannot confirm either, so they are refused before anybody signs in', async () => {
  for (const asked of [{ prompt: 'login' }, { max_age: '600' }]) {
    const person = new Person()
    const { url } = await person.open(authorizeUrl(broker, userdocs, { scope: 'profile', state: 'st', ...asked }))
    assert.deepEqual([url.searchParams.get('error'), url.searchParams.get('state')], ['invalid_request', 'st'])
    assert.ok(person.visited.every(({ origin }) => origin === broker.url))
  }
})

test('C22 auth_time is told where the provider tells it, and never made up', async () => {
  const idToken = await idTokenOf(await signIn({}, { auth_time: undefined }))
  assert.ok(!('auth_time' in idToken))
  assert.equal((await idTokenOf(await signIn({}, { auth_time: 1_700_000_000 }))).auth_time, 1_700_000_000)
})

test('C23 acr_values go to the provider, and what it says comes back as acr', async () => {
  const { url } = await new Person().open(
    authorizeUrl(broker, told, { acr_values: 'mfa pwd', ui_locales: 'de' }),
    ({ origin }) => origin === server.issuer,
  )
  assert.deepEqual([url.searchParams.get('acr_values'), url.searchParams.get('ui_locales')], ['mfa pwd', 'de'])
  assert.equal((await idTokenOf(await signIn({ acr_values: 'mfa' }, { acr: 'mfa' }))).acr, 'mfa')
  assert.ok(!('acr' in (await idTokenOf(await signIn({ acr_values: 'mfa' }, {})))))
})

test('C24 id_token_hint binds the sign-in to its person, whatever the age of the hint', async () => {
  const url = await signIn({}, {})
  const tokens = expectTokens(await exchange(broker, told, url.searchParams.get('code') ?? ''))
  const hint = { id_token_hint: tokens.idToken }
  assert.ok((await signIn(hint, {})).searchParams.get('code'))
  expectLoginRequired(await signIn(hint, { sub: 'eve' }))
  expectTokens(await refresh(broker, told, tokens.refreshToken))
})

test('C24 an id_token_hint that is not an ID token of ours for this client is invalid_request', async () => {
  const { idToken, accessToken } = await code(broker)
  const foreign = (await code(broker, spa)).idToken
  const [head, payload, signature] = idToken.split('.')
  const forged = `${head}.${Buffer.from('{"sub":"ada"}').toString('base64url')}.${signature}`
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
  for (const hint of [accessToken, foreign, forged, unsigned, `${head}.${payload}`, 'x', '..', '{}']) {
    const { url } = await new Person().open(authorizeUrl(broker, web, { id_token_hint: hint, state: 'st' }))
    assert.equal(url.searchParams.get('error'), 'invalid_request', url.href)
  }
  const elsewhere = await new Person().open(authorizeUrl(broker, told, { id_token_hint: idToken }))
  assert.equal(elsewhere.url.searchParams.get('error'), 'invalid_request', 'nor one of another application')
  assert.ok(await authorizationCode(broker, web, { id_token_hint: idToken }))
})
