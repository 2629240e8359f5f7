/**
 * C1 to C5, C16 to C18, C29 to C31 of the cases: the authorization request, the way through the provider and the way back.
 *
 * Owns what a browser is answered at authorize and callback (RFC 6749 §4.1.1, §4.1.2, RFC 9207).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spa, web } from './support/callers.ts'
import { authorizeUrl, callbackUri, type Extra, endpoint, exchange, issuer } from './support/endpoints.ts'
import { expectErrorPage, expectTokens } from './support/expect.ts'
import { authorizationCode, authorize, pkce, walk } from './support/flows.ts'
import { callbackOrigin, type Halt, Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { get, send } from './support/wire.ts'

const broker = await sharedBroker()

/** The browser was sent back to the client with this error, the client's state and the broker's name. */
function expectErrorRedirect(url: URL, error: string, state: string | null): void {
  assert.equal(url.origin + url.pathname, callbackUri, url.href)
  assert.equal(url.searchParams.get('error'), error, url.href)
  assert.equal(url.searchParams.get('state'), state)
  assert.equal(url.searchParams.get('iss'), issuer(broker, 'demo'))
  assert.equal(url.searchParams.get('code'), null)
}

async function land(caller: typeof web, extra: Extra): Promise<URL> {
  return (await new Person().open(authorizeUrl(broker, caller, { state: 'st', ...extra }))).url
}

test('C1 an unregistered or missing redirect_uri is an error page, and the browser goes nowhere', async () => {
  for (const redirectUri of ['https://evil.example/cb', 'http://127.0.0.1:9998/cb', 'javascript:alert(1)', undefined]) {
    const person = new Person()
    const page = await person.open(authorizeUrl(broker, web, { redirect_uri: redirectUri }), () => true)
    expectErrorPage(page)
    assert.doesNotMatch(page.html, /(href|action|src|content)="[^"]*(evil\.example|javascript:)/, 'nor is it led there')
  }
})

test('C1 an unknown client is an error page, and the browser goes nowhere', async () => {
  for (const clientId of ['nobody', undefined, '']) {
    expectErrorPage(await new Person().open(authorizeUrl(broker, web, { client_id: clientId }), () => true))
  }
})

test('C2 a near miss of the registered redirect_uri is no match', async () => {
  const misses = ['/CB', '/cb/', '/cb?x=1', '/cb/more', '/cb#f', '/cb%2F', '/', '', '//cb', '/../cb', '/cb ']
  const other = ['http://127.0.0.1:9999.evil.example/cb', 'http://user@127.0.0.1:9999/cb', 'https://127.0.0.1:9999/cb']
  for (const miss of [...misses.map((path) => callbackOrigin + path), ...other, 'HTTP://127.0.0.1:9999/cb']) {
    expectErrorPage(await new Person().open(authorizeUrl(broker, web, { redirect_uri: miss }), () => true))
  }
})

test('C3 another response_type goes back to the client with state and iss', async () => {
  expectErrorRedirect(await land(web, { response_type: 'token' }), 'unsupported_response_type', 'st')
  expectErrorRedirect(await land(web, { response_type: 'code id_token' }), 'unsupported_response_type', 'st')
  expectErrorRedirect(await land(web, { response_type: undefined }), 'invalid_request', 'st')
  expectErrorRedirect(await land(web, { response_type: 'token', state: undefined }), 'unsupported_response_type', null)
})

test('C3 a scope or an audience that is not the client’s goes back to the client', async () => {
  expectErrorRedirect(await land(web, { scope: 'openid admin' }), 'invalid_scope', 'st')
  expectErrorRedirect(await land(web, { audience: 'https://other.example' }), 'invalid_target', 'st')
})

test('C4 a public client without a challenge is invalid_request', async () => {
  expectErrorRedirect(await land(spa, {}), 'invalid_request', 'st')
  expectErrorRedirect(await land(spa, { code_challenge: '' }), 'invalid_request', 'st')
})

test('C5 a challenge that is plain, or whose method is left out, is invalid_request, for any client', async () => {
  const { verifier } = pkce()
  for (const caller of [spa, web]) {
    const plain = { code_challenge: verifier, code_challenge_method: 'plain' }
    expectErrorRedirect(await land(caller, plain), 'invalid_request', 'st')
    expectErrorRedirect(await land(caller, { code_challenge: verifier }), 'invalid_request', 'st')
  }
})

test('C5 a challenge that no S256 could have made is invalid_request', async () => {
  for (const challenge of ['short', `${pkce().parameters.code_challenge}A`, `${'+'.repeat(43)}`]) {
    const parameters = { code_challenge: challenge, code_challenge_method: 'S256' }
    expectErrorRedirect(await land(spa, parameters), 'invalid_request', 'st')
  }
})

const atProvider: Halt = (url) => url.origin !== broker.url
const atCallback: Halt = (url) => url.href.startsWith(endpoint(broker, 'demo', 'callback'))

/** The provider's answer to the person's own request, with these parameters and the state that belongs to it. */
async function providerAnswers(person: Person, extra: Extra, parameters: Record<string, string>): Promise<URL> {
  const { url } = await person.open(authorizeUrl(broker, web, extra), atProvider)
  const callback = new URL(endpoint(broker, 'demo', 'callback'))
  callback.searchParams.set('state', url.searchParams.get('state') ?? '')
  callback.searchParams.set('iss', url.origin)
  for (const [name, value] of Object.entries(parameters)) callback.searchParams.set(name, value)
  return callback
}

test('C16 a provider that says access_denied makes the client hear access_denied, with its state', async () => {
  const person = new Person()
  const callback = await providerAnswers(person, { state: 's t/ä' }, { error: 'access_denied' })
  expectErrorRedirect((await person.open(callback)).url, 'access_denied', 's t/ä')
})

test('C17 a callback with a foreign state is an error page', async () => {
  const [person, other] = [new Person(), new Person()]
  const theirs = await walk(other, await other.open(authorizeUrl(broker, web), atCallback), { halt: atCallback })
  assert.ok(atCallback(theirs.url), theirs.url.href)
  await person.open(authorizeUrl(broker, web), atProvider)
  expectErrorPage(await person.open(theirs.url, () => true))
})

test('C17 a callback without the cookie that belongs to it is an error page', async () => {
  const person = new Person()
  const own = await walk(person, await person.open(authorizeUrl(broker, web), atCallback), { halt: atCallback })
  expectErrorPage(await new Person().open(own.url, () => true))
  const landed = await person.open(own.url)
  assert.ok(landed.url.searchParams.get('code'), 'and with the cookie it is good')
})

test('C17 a callback that was used is an error page the second time', async () => {
  const person = new Person()
  const code = await authorizationCode(broker, web, {}, person)
  const callback = person.visited.find(atCallback)
  assert.ok(callback)
  expectErrorPage(await person.open(callback, () => true))
  expectTokens(await exchange(broker, web, code))
})

test('C18 the answer to a good request has a code, the state unchanged and the exact iss, and nothing else', async () => {
  const state = 'a+b &c=ü%'
  const url = await authorize(broker, web, { state })
  assert.equal(url.origin + url.pathname, callbackUri)
  assert.deepEqual([...url.searchParams.keys()].sort(), ['code', 'iss', 'state'])
  assert.equal(url.searchParams.get('state'), state)
  assert.equal(url.searchParams.get('iss'), issuer(broker, 'demo'))
  assert.match(url.searchParams.get('code') ?? '', /^[A-Za-z0-9._~-]{40,}$/)
  const stateless = await authorize(broker, web)
  assert.deepEqual([...stateless.searchParams.keys()].sort(), ['code', 'iss'])
})

test('max_age, prompt and login_hint go on to the provider; state and nonce there are the broker’s own', async () => {
  const asked = { max_age: '600', prompt: 'login', login_hint: 'ada@example.test', nonce: 'client-nonce', state: 'st' }
  const { url } = await new Person().open(authorizeUrl(broker, web, asked), atProvider)
  const told = (name: string) => url.searchParams.get(name)
  assert.deepEqual([told('max_age'), told('prompt'), told('login_hint')], ['600', 'login', 'ada@example.test'])
  assert.ok(told('state') && told('state') !== 'st')
  assert.notEqual(told('nonce'), 'client-nonce')
  assert.equal(told('code_challenge_method'), 'S256')
})

test('what a request may not ask for goes back to the client as the error that names it', async () => {
  const { parameters } = pkce()
  const wrong: readonly (readonly [Extra, string])[] = [
    [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    [{ request_uri: 'https://app.example/request' }, 'request_uri_not_supported'],
    [{ response_mode: 'fragment' }, 'invalid_request'],
    [{ response_type: '' }, 'invalid_request'],
    [{ code_challenge_method: 'S256' }, 'invalid_request'],
    [{ ...parameters, prompt: 'none login' }, 'invalid_request'],
    [{ ...parameters, prompt: 'whatever' }, 'invalid_request'],
    [{ ...parameters, max_age: 'soon' }, 'invalid_request'],
    [{ nonce: 'n'.repeat(4_000) }, 'invalid_request'],
  ]
  for (const [extra, error] of wrong) expectErrorRedirect(await land(web, extra), error, 'st')
})

test('C29 a request that makes an address too long for browsers and gateways is refused, and nothing is begun', async () => {
  const post = (extra: Extra) =>
    send(endpoint(broker, 'demo', 'authorize'), {
      method: 'POST',
      body: new URL(authorizeUrl(broker, web, extra)).search.slice(1),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
  for (const name of ['login_hint', 'acr_values', 'ui_locales']) {
    const { headers, cookies } = await post({ state: 'st', [name]: 'ü'.repeat(2_000) })
    expectErrorRedirect(new URL(headers.location ?? ''), 'invalid_request', 'st')
    assert.deepEqual(cookies, [])
  }
  for (const state of ['s'.repeat(9_000), 'ü'.repeat(2_000), '~'.repeat(3_000)]) {
    const { status, headers, text } = await post({ state, response_type: 'other' })
    assert.deepEqual([status, headers.location], [400, undefined])
    assert.match(text, /state is too long/)
  }
  const state = 's'.repeat(3_000)
  expectErrorRedirect(await land(web, { state, response_type: 'other' }), 'unsupported_response_type', state)
})

test('C16 what the provider says goes on to the client where it can act on it, and is server_error otherwise', async () => {
  for (const error of ['login_required', 'interaction_required', 'consent_required', 'temporarily_unavailable']) {
    const person = new Person()
    const callback = await providerAnswers(person, { state: 's' }, { error })
    expectErrorRedirect((await person.open(callback)).url, error, 's')
  }
  const person = new Person()
  const callback = await providerAnswers(person, { state: 's' }, { error: 'unmet_authentication_requirements' })
  expectErrorRedirect((await person.open(callback)).url, 'server_error', 's')
})

test('C17 a code that the provider did not give for this sign-in is an error page', async () => {
  const person = new Person()
  const callback = await providerAnswers(person, { state: 's' }, { code: 'an injected one' })
  expectErrorPage(await person.open(callback, () => true))
})

/** A request with these parameters in addition, which may be there already. */
const authorizeWith = (extra: Extra, more: string) => `${authorizeUrl(broker, web, { state: 'st', ...extra })}&${more}`

test('C30 a parameter that is sent twice or holds NUL goes back to the client as invalid_request', async () => {
  const twice = ['scope=openid&scope=profile', 'nonce=a&nonce=a', 'response_type=code', 'ui_locales=de&ui_locales=en']
  for (const more of [
    ...twice,
    'nonce=%00',
    'resource=%00',
    'prompt=&prompt=none',
    'id_token_hint=x&id_token_hint=y',
  ]) {
    const { url } = await new Person().open(authorizeWith({}, more))
    expectErrorRedirect(url, 'invalid_request', 'st')
    assert.match(url.searchParams.get('error_description') ?? '', /must be (sent once|text without NUL)/)
  }
  const page = await new Person().open(authorizeWith({ response_mode: 'form_post' }, 'nonce=a&nonce=b'))
  const fields = Object.fromEntries((page.forms[0]?.fields ?? []).map(({ name, value }) => [name, value]))
  assert.deepEqual([fields.error, fields.state], ['invalid_request', 'st'])
})

test('C30 what is needed to answer the client is an error page when it is sent twice or holds NUL', async () => {
  for (const name of ['client_id', 'redirect_uri', 'state', 'response_mode']) {
    const value = new URL(authorizeUrl(broker, web, { response_mode: 'query' })).searchParams.get(name) ?? 'st'
    for (const [extra, more] of [
      [
        {},
        new URLSearchParams([
          [name, value],
          [name, value],
        ]).toString(),
      ],
      [{ [name]: undefined }, `${name}=%00`],
    ] as const) {
      expectErrorPage(await new Person().open(authorizeWith(extra, more), () => true))
    }
  }
})

test('C30 an unknown parameter that is sent twice is ignored at authorize (RFC 6749 §3.1)', async () => {
  const { url } = await new Person().open(authorizeWith({}, 'foo=1&foo=2&bar=%00'), atProvider)
  assert.ok(atProvider(url), url.href)
})

test('C31 prompt=none in a frame of another site is login_required at once, and nothing is begun', async () => {
  const asked = (destination: string, site: string, prompt: string) =>
    get(authorizeUrl(broker, web, { state: 'st', prompt }), {
      'sec-fetch-dest': destination,
      'sec-fetch-site': site,
      'sec-fetch-mode': 'navigate',
    })
  for (const destination of ['iframe', 'frame']) {
    const { headers, cookies } = await asked(destination, 'cross-site', 'none')
    expectErrorRedirect(new URL(headers.location ?? ''), 'login_required', 'st')
    assert.deepEqual(cookies, [])
  }
  for (const [destination, site, prompt] of [
    ['document', 'cross-site', 'none'],
    ['iframe', 'same-site', 'none'],
    ['iframe', 'same-origin', 'none'],
    ['iframe', 'cross-site', 'login'],
  ] as const) {
    const { headers } = await asked(destination, site, prompt)
    assert.ok(atProvider(new URL(headers.location ?? '')), `${destination} ${site} ${prompt}`)
  }
})
