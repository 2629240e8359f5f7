/**
 * The local user directory: OAuth 2.0 alone, strict to clients and generous to people.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { Browser } from '../../local/demo/browser.ts'
import { type IdentityProvider, startIdentityProvider } from '../../local/identity-provider.ts'

const client = {
  application: 'userdocs',
  clientId: 'token-broker-userdocs',
  at: 'directory',
  auth: 'client_secret_post',
} as const
const redirectUri = 'http://127.0.0.1:9998/userdocs/oauth/callback'

let provider: IdentityProvider
let base: string
before(async () => {
  const clients = ['first', 'second'].map((secret) => ({ ...client, secret }))
  const other = { ...client, clientId: 'other', application: 'other', secret: 'others' }
  const openid = { ...client, clientId: 'openid-alone', at: 'openid', secret: 'x' } as const
  provider = await startIdentityProvider({ port: 0, clients: [...clients, other, openid], log: () => {} })
  base = `${provider.url}/userdocs/oauth`
})
after(() => provider.stop())

type Values = Readonly<Record<string, string>>

function authorizeUrl(changes: Values = {}): string {
  const asked = { response_type: 'code', client_id: client.clientId, redirect_uri: redirectUri, ...changes }
  return `${base}/authorize?${new URLSearchParams(asked)}`
}

/** What the browser is sent away with, nobody being there to take it. */
async function back(values: Values, changes: Values = {}): Promise<URLSearchParams> {
  const body = new URLSearchParams(values)
  const answer = await fetch(authorizeUrl(changes), { method: 'POST', body, redirect: 'manual' })
  assert.equal(answer.status, 303)
  return new URL(answer.headers.get('location') ?? '').searchParams
}

const codeFor = async (login: string) => (await back({ login, password: 'any' })).get('code') ?? ''

async function exchange(changes: Values, headers: Values = {}) {
  const usual = { grant_type: 'authorization_code', client_id: client.clientId, client_secret: 'first' }
  const body = new URLSearchParams({ ...usual, redirect_uri: redirectUri, ...changes })
  const answer = await fetch(`${base}/token`, { method: 'POST', body, headers })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

test('a person signs in with any name and password, and gets the members of its documentation and no others', async () => {
  const { status, body } = await exchange({ code: await codeFor('mary.jane') })
  assert.equal(status, 200)
  const { access_token: token, ...rest } = body
  assert.deepEqual(rest, { expires_in: 3600, scope: 'profile', token_type: 'Bearer' })
  assert.equal(decodeProtectedHeader(String(token)).alg, 'RS256')
  const userinfo = await fetch(`${base}/userinfo`, { headers: { authorization: `Bearer ${token}` } })
  const told = (await userinfo.json()) as Record<string, unknown>
  assert.match(String(told.sub), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.deepEqual(told, { id: told.sub, name: 'mary.jane', sub: told.sub, username: 'mary.jane' })
})

test('state comes back as it was, also with a no', async () => {
  const state = 'a b+c&é'
  assert.equal((await back({ login: 'ada' }, { state })).get('state'), state)
  assert.deepEqual(Object.fromEntries(await back({ cancel: 'yes' }, { state })), { error: 'access_denied', state })
  assert.equal((await back({}, { response_type: 'token' })).get('error'), 'unsupported_response_type')
  assert.equal((await back({}, { scope: 'openid' })).get('error'), 'invalid_scope')
})

test('a code is good once, for its client, its redirect URI and either secret of two brokers', async () => {
  const code = await codeFor('ada')
  const refused = { status: 400, body: { error: 'invalid_grant' } }
  assert.deepEqual(await exchange({ code, redirect_uri: redirectUri.replace('9998', '9997') }), refused)
  assert.deepEqual(await exchange({ code, client_id: 'other', client_secret: 'others' }), refused)
  assert.equal((await exchange({ code, client_secret: 'second' })).status, 200)
  assert.deepEqual(await exchange({ code }), refused)
})

test('a client is known by its secret in the body and by nothing else', async () => {
  const code = await codeFor('ada')
  const basic = `Basic ${Buffer.from(`${client.clientId}:first`).toString('base64')}`
  const refused = { status: 401, body: { error: 'invalid_client' } }
  assert.deepEqual(await exchange({ code, client_secret: 'wrong' }), refused)
  assert.deepEqual(await exchange({ code, client_secret: '' }), refused)
  assert.deepEqual(await exchange({ code }, { authorization: basic }), refused)
  assert.deepEqual(await exchange({ code, client_id: 'openid-alone', client_secret: 'x' }), refused)
  assert.equal((await exchange({ code })).status, 200)
})

test('what is no such request is refused by name', async () => {
  assert.equal((await exchange({ grant_type: 'password' })).body.error, 'unsupported_grant_type')
  assert.equal((await exchange({})).body.error, 'invalid_request')
  const post = (type: string, body: string) =>
    fetch(`${base}/token`, { method: 'POST', body, headers: { 'content-type': type } })
  const form = 'application/x-www-form-urlencoded'
  for (const [type, body] of [
    ['text/plain', 'x'],
    ['application/json', '{'],
    [form, 'code=a&code=b'],
  ] as const) {
    assert.equal((await post(type, body)).status, 400)
  }
  assert.equal((await fetch(`${base}/token`)).status, 405)
})

test('strangers, and redirect URIs of strangers, are shown a page and sent nowhere', async () => {
  const strange: readonly Values[] = [
    { client_id: 'nobody' },
    { client_id: 'openid-alone' },
    { redirect_uri: 'http://127.0.0.1:9998/other/oauth/callback' },
    { redirect_uri: 'http://127.0.0.1.evil.example/userdocs/oauth/callback' },
    { redirect_uri: 'https://evil.example/userdocs/oauth/callback' },
  ]
  for (const changes of strange) {
    const page = await new Browser().open(authorizeUrl(changes))
    assert.equal(page.status, 400)
    assert.match(page.html, /not known here/)
  }
})

test('a user name that cannot be one is asked for again', async () => {
  const browser = new Browser()
  const page = await browser.submit(await browser.open(authorizeUrl()), { login: ' ', password: 'x' })
  assert.equal(page.status, 400)
  assert.match(page.html, /role="alert"/)
})

test('userinfo wants a token of its own, and there is nothing else to be found', async () => {
  const asked = (headers: Values) => fetch(`${base}/userinfo`, { headers })
  const bare = await asked({})
  assert.deepEqual([bare.status, bare.headers.get('www-authenticate')], [401, 'Bearer'])
  const bad = await asked({ authorization: 'Bearer a.b.c' })
  assert.deepEqual([bad.status, bad.headers.get('www-authenticate')], [401, 'Bearer error="invalid_token"'])
  for (const path of ['.well-known/openid-configuration', 'oauth/jwks', '']) {
    assert.equal((await fetch(`${provider.url}/userdocs/${path}`)).status, 404)
  }
})
