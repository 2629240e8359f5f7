/**
 * P20 to P28 of the requirements: the broker as a client of a provider that speaks OAuth 2.0 alone, by their numbers.
 *
 * Owns what goes over the wire, against the local user directory and against a server that records. P27 is in
 * private-authority.test.ts; every wrong answer there is, in oauth2.test.ts.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { after, afterEach, before, describe, test } from 'node:test'
import { Browser } from '../../local/demo/browser.ts'
import { type IdentityProvider, startIdentityProvider } from '../../local/identity-provider.ts'
import type { OAuth2Settings } from '../../shared/domain/registration.ts'
import { createOAuth2Provider } from '../../shared/providers/oauth2.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { parseRegistry } from '../../shared/registry-file.ts'
import { json, startProvider, type TestProvider } from '../support/provider.ts'
import { providerDefaults } from '../support/registry.ts'
import { comeBack, redirectUri } from '../support/sign-in.ts'

/** Nothing in them survives a query, a form or JSON unless it is encoded. */
const oddId = 'broker & co=1+1?'
const oddSecret = 's e:c%r+t&"\\é'

const plain: Omit<OAuth2Settings, 'authorizationEndpoint' | 'tokenEndpoint' | 'userinfoEndpoint'> = {
  ...providerDefaults,
  ...{ kind: 'oauth2', clientId: oddId, auth: 'client_secret_post', scopes: ['profile'] },
  ...{ body: 'form', pkce: true, claims: {} },
}

function made(endpoints: string, changes: Partial<OAuth2Settings> = {}, secret = oddSecret): Provider {
  const settings: OAuth2Settings = {
    ...plain,
    authorizationEndpoint: `${endpoints}/authorize`,
    tokenEndpoint: `${endpoints}/token`,
    userinfoEndpoint: `${endpoints}/userinfo`,
    ...changes,
  }
  return createOAuth2Provider(settings, async () => `${secret}\n`)
}

describe('with the local user directory', () => {
  // RFC 6749 appendix A.2 allows printable ASCII alone, and so does the provider.
  const secret = oddSecret.replace('é', '')
  let directory: IdentityProvider
  let callback: string
  before(async () => {
    const client = { application: 'demo', clientId: oddId, at: 'directory', auth: 'client_secret_post' } as const
    directory = await startIdentityProvider({ port: 0, clients: [{ ...client, secret }], log: () => {} })
    // Nothing is at this address. The browser's address there is all that is wanted.
    callback = `${directory.url}/demo/oauth/callback`
  })
  after(() => directory.stop())

  const atDirectory = (changes: Partial<OAuth2Settings> = {}) =>
    made(`${directory.url}/userdocs/oauth`, changes, secret)

  async function signIn(provider: Provider, wanted = ['id', 'name', 'username']) {
    const { url, secrets } = await provider.begin(callback, {})
    const browser = new Browser()
    const { url: back } = await browser.submit(await browser.open(url), { login: 'mary.jane', password: 'any' })
    assert.equal(back.origin + back.pathname, callback)
    return provider.finish(back, secrets, wanted)
  }

  test('P20 P23 endpoints under a path of the provider’s own are enough', async () => {
    const result = await signIn(atDirectory())
    assert.equal(result.kind, 'signed-in')
    const { sub, claims } = result.person
    assert.match(sub, /^[0-9a-f-]{36}$/)
    assert.deepEqual(claims, { id: sub, name: 'mary.jane', username: 'mary.jane' })
  })

  test('P24 P25 neither refresh token nor ID token nor email is missed, and the person is the same each time', async () => {
    const provider = atDirectory()
    const [first, second] = [await signIn(provider, ['email', 'name']), await signIn(provider)]
    assert.ok(first.kind === 'signed-in' && second.kind === 'signed-in')
    assert.equal(first.person.sub, second.person.sub)
    assert.deepEqual(first.person.claims, { name: 'mary.jane' })
  })

  test('P21 the wrong method is a no of the provider’s, for the operator, and a used code is rejected', async () => {
    const wrong = await signIn(atDirectory({ auth: 'none' }))
    assert.deepEqual(wrong, { kind: 'unexpected', why: 'invalid_client' })
    const provider = atDirectory()
    const { url, secrets } = await provider.begin(callback, {})
    const browser = new Browser()
    const { url: back } = await browser.submit(await browser.open(url), { login: 'ada' })
    assert.equal((await provider.finish(back, secrets, [])).kind, 'signed-in')
    assert.deepEqual(await provider.finish(back, secrets, []), { kind: 'rejected' })
  })
})

describe('on the wire', () => {
  let server: TestProvider
  before(async () => {
    server = await startProvider()
  })
  afterEach(() => server.behave())
  after(() => server.stop())

  const bare = { access_token: 'opaque', token_type: 'Bearer', expires_in: 3600, scope: 'profile' }

  type Seen = { readonly request: IncomingMessage; readonly body: string }
  async function exchangeOf(changes: Partial<OAuth2Settings> = {}, tokens: object = bare): Promise<Seen> {
    let seen: Seen | undefined
    server.misbehave('token', (request, response, body) => {
      seen = { request, body }
      json(response, 200, tokens)
    })
    const provider = made(server.issuer, changes)
    const { secrets } = await provider.begin(redirectUri, {})
    assert.equal((await comeBack(provider, secrets)).kind, 'signed-in')
    assert.ok(seen)
    return seen
  }

  async function personTold(userinfo: object, changes: Partial<OAuth2Settings> = {}, wanted: string[] = []) {
    server.misbehave('token', (_, response) => json(response, 200, bare))
    server.misbehave('userinfo', (_, response) => json(response, 200, userinfo))
    const provider = made(server.issuer, changes)
    const { secrets } = await provider.begin(redirectUri, {})
    const back = new URL(redirectUri)
    back.search = new URLSearchParams({ code: 'c', state: secrets.state }).toString()
    const result = await provider.finish(back, secrets, wanted)
    return result.kind === 'signed-in' ? result.person : result
  }

  test('P20 nothing is asked for but token and userinfo', async () => {
    await exchangeOf()
    const asked = server.requests.map(({ endpoint }) => endpoint)
    assert.deepEqual(asked, ['token', 'userinfo'])
  })

  test('P20 a query that an endpoint has already stays', async () => {
    const authorizationEndpoint = `${server.issuer}/authorize?tenant=7`
    const { url } = await made(server.issuer, { authorizationEndpoint }).begin(redirectUri, {})
    assert.equal(new URL(url).searchParams.get('tenant'), '7')
    assert.equal(new URL(url).searchParams.get('client_id'), oddId)
  })

  test('P21 client_secret_post: both in the body, no Authorization header', async () => {
    const { request, body } = await exchangeOf()
    const sent = new URLSearchParams(body)
    assert.deepEqual([sent.getAll('client_id'), sent.getAll('client_secret')], [[oddId], [oddSecret]])
    assert.equal(request.headers.authorization, undefined)
  })

  test('P21 client_secret_basic: both in the header, form-encoded, and no secret in the body', async () => {
    const { request, body } = await exchangeOf({ auth: 'client_secret_basic' })
    const [, encoded = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? []
    const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('latin1').split(':')
    const decoded = [id, secret].map((part) => new URLSearchParams(`x=${part}`).get('x'))
    assert.deepEqual(decoded, [oddId, oddSecret])
    assert.equal(new URLSearchParams(body).has('client_secret'), false)
  })

  test('P21 none: the id alone, with PKCE, and the secret is not even read', async () => {
    const provider = createOAuth2Provider(
      {
        ...{ ...plain, auth: 'none', authorizationEndpoint: `${server.issuer}/authorize` },
        ...{ tokenEndpoint: `${server.issuer}/token`, userinfoEndpoint: `${server.issuer}/userinfo` },
      },
      () => assert.fail('there is no secret'),
    )
    const { secrets } = await provider.begin(redirectUri, {})
    assert.equal((await comeBack(provider, secrets)).kind, 'signed-in')
    const sent = new URLSearchParams(server.requests[0]?.body)
    assert.deepEqual([sent.get('client_id'), sent.get('client_secret')], [oddId, null])
    assert.equal(sent.get('code_verifier'), secrets.codeVerifier)
    assert.equal(server.requests[0]?.authorization, undefined)
  })

  test('P22 P23 a form by default, and JSON where it is set, with the same members', async () => {
    const form = await exchangeOf()
    assert.match(form.request.headers['content-type'] ?? '', /^application\/x-www-form-urlencoded/)
    const asJson = await exchangeOf({ body: 'json' })
    assert.equal(asJson.request.headers['content-type'], 'application/json')
    const [one, other] = [Object.fromEntries(new URLSearchParams(form.body)), JSON.parse(asJson.body)]
    for (const { code_verifier: verifier, ...rest } of [one, other]) {
      assert.equal(String(verifier).length, 43)
      assert.deepEqual(rest, {
        ...{ grant_type: 'authorization_code', code: 'the code', redirect_uri: redirectUri },
        ...{ client_id: oddId, client_secret: oddSecret },
      })
    }
    for (const { request } of [form, asJson]) assert.equal(request.headers.accept, 'application/json')
  })

  test('P23 userinfo is asked with GET, Bearer and Accept: application/json', async () => {
    let seen: IncomingMessage | undefined
    server.misbehave('userinfo', (request, response) => {
      seen = request
      json(response, 200, { id: 'ada' })
    })
    await exchangeOf()
    const { method, headers } = seen!
    assert.deepEqual([method, headers.authorization, headers.accept], ['GET', 'Bearer opaque', 'application/json'])
  })

  test('P24 members that are null, a lifetime in text and an ID token of somebody’s own are no obstacle', async () => {
    await exchangeOf({}, { ...bare, refresh_token: null, id_token: 'not.a.jwt', scope: null, expires_in: '3600' })
    await exchangeOf({}, { ...bare, expires_in: undefined, scope: undefined })
  })

  test('P25 a number is a subject, and id says the same as sub', async () => {
    const person = await personTold({ id: 42, username: 'ada' }, {}, ['id', 'name', 'username'])
    assert.deepEqual(person, { ...person, sub: '42', claims: { id: '42', username: 'ada' } })
  })

  test('P25 claims have the names that the settings give them', async () => {
    const told = { uid: 'u-1', login: 'ada', profile_name: 'Ada Lovelace', id: 'somebody-else' }
    const claims = { sub: 'uid', id: 'uid', username: 'login', name: 'profile_name' }
    const person = await personTold(told, { claims }, ['id', 'name', 'username', 'email'])
    assert.deepEqual(person, { ...person, sub: 'u-1', claims: { id: 'u-1', name: 'Ada Lovelace', username: 'ada' } })
  })

  test('P25 where the settings name the subject, no other member stands in for it', async () => {
    const person = await personTold({ id: 'u-1', sub: 'u-1' }, { claims: { sub: 'uid' } })
    assert.deepEqual(person, { kind: 'unexpected', why: 'userinfo names no subject' })
  })

  test('P26 an access token that looks like a JWT and is none, goes to userinfo as it is', async () => {
    await exchangeOf({}, { ...bare, access_token: 'eyJhbGciOiJSUzI1NiJ9.e30.not-checked' })
    assert.equal(server.requests[1]?.authorization, 'Bearer eyJhbGciOiJSUzI1NiJ9.e30.not-checked')
  })

  test('P28 state always, and a code challenge unless it is turned off', async () => {
    const { url, secrets } = await made(server.issuer).begin(redirectUri, {})
    const query = new URL(url).searchParams
    assert.equal(query.get('state'), secrets.state)
    assert.equal(query.get('code_challenge'), createHash('sha256').update(secrets.codeVerifier).digest('base64url'))
    assert.equal(query.get('code_challenge_method'), 'S256')
    const without = new URL((await made(server.issuer, { pkce: false }).begin(redirectUri, {})).url).searchParams
    assert.ok((without.get('state') ?? '').length >= 43)
    assert.deepEqual([without.has('code_challenge'), without.has('code_challenge_method')], [false, false])
    const { body } = await exchangeOf({ pkce: false })
    assert.equal(new URLSearchParams(body).has('code_verifier'), false)
  })

  test('P28 an `iss` on the way back, which there is nothing to compare with, is no obstacle', async () => {
    const provider = made(server.issuer)
    const { secrets } = await provider.begin(redirectUri, {})
    assert.equal((await comeBack(provider, secrets, { iss: 'https://idp.example/tenant' })).kind, 'signed-in')
    const stolen = await comeBack(provider, { ...secrets, state: 'another' }, { state: secrets.state })
    assert.equal(stolen.kind, 'unexpected')
  })

  test('P28 only a client with a secret may go without PKCE', () => {
    const endpoint = 'https://idp.example/x'
    const provider = {
      ...{ kind: 'oauth2', clientId: 'b', auth: 'none', pkce: false },
      ...{ authorizationEndpoint: endpoint, tokenEndpoint: endpoint, userinfoEndpoint: endpoint },
    }
    const file = { applications: [{ name: 'a', displayName: 'A', provider, audiences: ['x'], clients: [] }] }
    const parsed = parseRegistry(JSON.stringify(file), {})
    assert.deepEqual(parsed.ok ? [] : parsed.mistakes, [
      { where: 'applications[0].provider', why: 'auth "none" needs pkce' },
    ])
  })

  test('a challenge in the header does not hide the JSON error, nor a userinfo that refuses its own token', async () => {
    const provider = made(server.issuer)
    const challenge = { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="x"' }
    const { secrets } = await provider.begin(redirectUri, {})
    server.misbehave('token', (_, response) => {
      response.writeHead(401, challenge).end('{"error":"invalid_grant"}')
    })
    assert.deepEqual(await comeBack(provider, secrets), { kind: 'rejected' })
    server.behave()
    server.misbehave('userinfo', (_, response) => {
      response.writeHead(401, challenge).end('{"error":"invalid_token"}')
    })
    assert.deepEqual(await comeBack(provider, secrets), { kind: 'unexpected', why: 'userinfo answered 401' })
  })
})
