/**
 * The local user directory: OAuth 2.0 without OpenID Connect.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser } from '../../local/demo/browser.ts'
import { type IdentityProvider, type ProviderClient, startIdentityProvider } from '../../local/identity-provider.ts'

const client: ProviderClient = {
  ...{ application: 'userdocs', clientId: 'token-broker-userdocs', secret: 'first' },
  ...({ at: 'directory', auth: 'client_secret_post' } as const),
}

let provider: IdentityProvider
let base: string
let redirectUri: string
before(async () => {
  const sharing = { ...client, application: 'other', secret: 'second' }
  provider = await startIdentityProvider({ port: 0, clients: [client, sharing], log: () => {} })
  base = `${provider.url}/userdocs/oauth`
  // Nothing is at this address. The browser's address there is all that is wanted.
  redirectUri = `${provider.url}/userdocs/oauth/callback`
})
after(() => provider.stop())

type Values = Readonly<Record<string, string>>

async function signIn(changes: Values = {}, form: Values = { login: 'mary.jane', password: 'any' }) {
  const asked = { response_type: 'code', client_id: client.clientId, redirect_uri: redirectUri, scope: 'profile' }
  const browser = new Browser()
  const page = await browser.open(`${base}/authorize?${new URLSearchParams({ ...asked, ...changes })}`)
  return (await browser.submit(page, form)).url.searchParams
}

async function exchange(code: string | null, changes: Values = {}) {
  const usual = { grant_type: 'authorization_code', client_id: client.clientId, client_secret: 'first' }
  const body = new URLSearchParams({ ...usual, redirect_uri: redirectUri, code: code ?? '', ...changes })
  const answer = await fetch(`${base}/token`, { method: 'POST', body })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const userinfo = (headers: Values) => fetch(`${base}/userinfo`, { headers })

test('a token answer and a profile have the members that such a product documents, and no others', async () => {
  const back = await signIn({ state: 'a b+c&é' })
  assert.equal(back.get('state'), 'a b+c&é')
  const { access_token: token, ...rest } = (await exchange(back.get('code'))).body
  assert.deepEqual(rest, { expires_in: 3600, scope: 'profile', token_type: 'Bearer' })
  const profile = (await (await userinfo({ authorization: `Bearer ${token}` })).json()) as Record<string, unknown>
  assert.match(String(profile.sub), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.deepEqual(profile, { id: profile.sub, name: 'mary.jane', sub: profile.sub, username: 'mary.jane' })
})

test('parameters of OpenID Connect are ignored', async () => {
  assert.ok((await signIn({ nonce: 'n', max_age: '0', acr_values: 'mfa', state: 's' })).has('code'))
})

test('the secret of either application that shares a client id is good, and no other', async () => {
  const code = (await signIn()).get('code')
  assert.equal((await exchange(code, { client_secret: 'wrong' })).body.error, 'invalid_client')
  assert.equal((await exchange(code, { client_secret: 'second' })).status, 200)
})

test('userinfo refuses an unknown token, and there is no metadata', async () => {
  const { status, headers } = await userinfo({ authorization: 'Bearer a' })
  assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Bearer error="invalid_token"'])
  assert.equal((await fetch(`${provider.url}/userdocs/.well-known/openid-configuration`)).status, 404)
})
