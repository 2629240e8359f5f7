/**
 * C27 and C28 of the cases: a request that is posted, and an answer that is posted (OIDC Core §3.1.2.1, OAuth 2.0 Form Post
 * Response Mode).
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { web } from './support/callers.ts'
import { authorizeUrl, callbackUri, type Extra, endpoint, exchange, issuer } from './support/endpoints.ts'
import { expectTokens } from './support/expect.ts'
import { walk } from './support/flows.ts'
import { type Page, Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { formBody, get, send } from './support/wire.ts'

const broker = await sharedBroker()

async function answeredTo(extra: Extra, person = new Person()): Promise<Page> {
  const asked = { response_mode: 'form_post', state: 'a+b &c=ü%"', ...extra }
  return walk(person, await person.open(authorizeUrl(broker, web, asked)), {})
}

function formOf(page: Page) {
  const [form] = page.forms
  assert.deepEqual([form?.action.href, form?.method], [callbackUri, 'POST'], page.text)
  return Object.fromEntries(form!.fields.map(({ name, value }) => [name, value]))
}

test('C27 an authorization request may be a POST, of which the body counts and the query does not', async () => {
  const query = Object.fromEntries(new URL(authorizeUrl(broker, web, { state: 'st' })).searchParams)
  const post = (fields: Record<string, string>) =>
    send(new URL(`${endpoint(broker, 'demo', 'authorize')}?client_id=nobody`), {
      method: 'POST',
      body: formBody(fields),
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://app.example' },
    })
  const { status, headers, cookies } = await post(query)
  assert.equal(status, 303)
  assert.equal(new URL(headers.location ?? '').pathname, '/auth')
  assert.equal(cookies.length, 1)
  const wrong = await post({ ...query, response_type: 'token' })
  assert.equal(new URL(wrong.headers.location ?? '').searchParams.get('error'), 'unsupported_response_type')
})

test('C28 with response_mode=form_post the answer is a form for the client, with a button where scripts are off', async () => {
  const page = await answeredTo({})
  assert.equal(page.status, 200)
  const { code, state, iss, ...more } = formOf(page)
  assert.deepEqual([state, iss, more], ['a+b &c=ü%"', issuer(broker, 'demo'), {}])
  assert.equal(page.forms[0]?.buttons.length, 1)
  expectTokens(await exchange(broker, web, code ?? ''))
})

test('C28 the page that posts runs one script, is kept by nobody, and its client learns where it comes from', async () => {
  const { headers, html } = await answeredTo({})
  const [, script = ''] = /<script>([^<]+)<\/script>/.exec(html) ?? []
  const policy = headers['content-security-policy'] ?? ''
  const hash = createHash('sha256').update(script).digest('base64')
  assert.ok(script !== '' && policy.includes(`script-src 'sha256-${hash}'`), policy)
  assert.match(policy, /^default-src 'none';/)
  assert.doesNotMatch(policy, /unsafe/)
  assert.deepEqual([headers['cache-control'], headers['referrer-policy']], ['no-store', 'strict-origin'])
})

test('C28 errors are posted too, before and after the sign-in', async () => {
  const before = formOf(await answeredTo({ scope: 'openid admin' }))
  assert.deepEqual([before.error, before.state], ['invalid_scope', 'a+b &c=ü%"'])
  const person = new Person()
  const away = ({ origin }: URL) => origin !== broker.url
  const { url } = await person.open(authorizeUrl(broker, web, { response_mode: 'form_post', state: 'st' }), away)
  const callback = new URL(endpoint(broker, 'demo', 'callback'))
  const refused = { error: 'access_denied', state: url.searchParams.get('state') ?? '', iss: url.origin }
  callback.search = new URLSearchParams(refused).toString()
  const after = formOf(await person.open(callback))
  assert.deepEqual([after.error, after.state, after.iss], ['access_denied', 'st', issuer(broker, 'demo')])
})

test('C28 a state that a form would change is invalid_request', async () => {
  for (const state of ['a\nb', 'a\rb', 'a\tb'])
    assert.equal(formOf(await answeredTo({ state })).error, 'invalid_request')
})

test('C28 the metadata lists both response modes', async () => {
  const metadata = await get(`${issuer(broker, 'demo')}/.well-known/openid-configuration`)
  assert.deepEqual(metadata.body.response_modes_supported, ['query', 'form_post'])
})

test('C28 the page that posts the answer is in the language that the client asked for before the sign-in', async () => {
  assert.match((await answeredTo({ ui_locales: 'de' })).html, /<html lang="de">/)
})
