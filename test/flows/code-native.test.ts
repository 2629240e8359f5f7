/**
 * C25 and C26 of the cases: native apps, whose redirect any program on the machine could use (RFC 8252).
 *
 * Owns the confirmation before the provider is asked, and loopback redirects of any port.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { type Caller, spa, web } from './support/callers.ts'
import { authorizeUrl, callbackUri, type Extra, endpoint, exchange } from './support/endpoints.ts'
import { expectErrorPage, expectRefusal, expectTokens } from './support/expect.ts'
import { authorizationCode, pkce, walk } from './support/flows.ts'
import { type Halt, type Page, Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'
import { formBody, send } from './support/wire.ts'

const caller = (clientId: string): Caller => ({ application: 'demo', clientId, auth: 'none' })
const app = caller('app')
const sites = caller('site')

let broker: BrokerHere
before(async () => {
  const registry = registryFile(({ addClient }) => {
    const row = { auth: 'none', grants: ['authorization_code', 'refresh_token'] }
    const redirectUris = ['com.example.app:/cb', 'http://127.0.0.1/cb', 'http://[::1]/cb', 'http://localhost:3000/cb']
    addClient('demo', { ...row, clientId: 'app', displayName: 'Notes <app>', redirectUris })
    addClient('demo', { ...row, clientId: 'site', redirectUris: ['https://app.example/cb'] })
    addClient('demo', { ...row, clientId: 'quiet', redirectUris: ['http://127.0.0.1/cb'], consent: false })
    const secret = { auth: 'client_secret_post', secrets: ['asking-secret'], grants: ['authorization_code'] }
    addClient('demo', { ...secret, clientId: 'asking', redirectUris: ['https://app.example/cb'], consent: true })
  })
  broker = await startBrokerHere({ registry })
})
after(() => broker.stop())

const atProvider: Halt = (url) => url.origin !== broker.url
const challenge = pkce()

const ask = (person: Person, who: Caller = app, extra: Extra = {}, halt = atProvider) =>
  person.open(
    authorizeUrl(broker, who, { ...challenge.parameters, redirect_uri: 'http://127.0.0.1:51004/cb', ...extra }),
    halt,
  )

function expectQuestion(page: Page): Page['forms'][number] {
  assert.equal(page.status, 200, page.text)
  const form = page.forms.find(({ buttons }) => buttons.some(({ name }) => name === 'decision'))
  assert.deepEqual(form?.buttons.map(({ value }) => value).sort(), ['approve', 'deny'])
  return form!
}

test('C25 the page asks before the provider is, and shows client, scopes, resource and where the answer goes', async () => {
  const person = new Person()
  const page = await ask(person, app, { scope: 'openid email offline_access' })
  expectQuestion(page)
  for (const shown of ['Notes <app>', '127.0.0.1:51004', 'email', 'offline_access', 'https://api.example.test']) {
    assert.ok(page.text.includes(shown), `${shown}: ${page.text}`)
  }
  assert.ok(person.visited.every(({ origin }) => origin === broker.url))
  const policy = page.headers['content-security-policy'] ?? ''
  // The client's program leads on to wherever it likes.
  assert.match(policy, /form-action 'self' http:\/\/127\.0\.0\.1:\d+ https: http:;/)
  assert.doesNotMatch(policy, /script-src/)
  assert.match((await ask(person, app, { redirect_uri: 'com.example.app:/cb' })).text, /com\.example\.app:/)
})

test('C25 yes leads through the provider to the client, no leads back with access_denied', async () => {
  for (const redirectUri of [
    'http://127.0.0.1:51004/cb',
    'com.example.app:/cb',
    'http://[::1]:1/cb',
    'http://localhost:3000/cb',
  ]) {
    const person = new Person()
    const halt: Halt = ({ href }) => href.startsWith(redirectUri)
    const asked = { redirect_uri: redirectUri, state: 's t' }
    const denied = await walk(person, await ask(person, app, asked), { decision: 'deny', halt })
    assert.deepEqual(
      [denied.url.searchParams.get('error'), denied.url.searchParams.get('state')],
      ['access_denied', 's t'],
    )
    const approved = await walk(person, await ask(person, app, asked), { decision: 'approve', halt })
    const code = approved.url.searchParams.get('code') ?? ''
    const again = { code_verifier: challenge.verifier, redirect_uri: redirectUri }
    expectTokens(await exchange(broker, app, code, again))
  }
})

test('C25 prompt=none is interaction_required', async () => {
  const { url } = await ask(new Person(), app, { prompt: 'none', state: 'st' })
  assert.deepEqual([url.searchParams.get('error'), url.searchParams.get('state')], ['interaction_required', 'st'])
})

test('C25 only public clients at a loopback address or a private scheme are asked for, unless the registration says otherwise', async () => {
  const asked = async (who: Caller, redirectUri: string) => {
    const page = await ask(new Person(), who, { redirect_uri: redirectUri })
    return page.url.origin === broker.url
  }
  assert.equal(await asked(spa, callbackUri), true)
  assert.equal(await asked(web, callbackUri), false)
  assert.equal(await asked(sites, 'https://app.example/cb'), false)
  assert.equal(await asked(caller('quiet'), 'http://127.0.0.1:51004/cb'), false)
  assert.equal(await asked(caller('asking'), 'https://app.example/cb'), true)
})

test('C25 a form that another site or another browser sends is refused, and nothing is begun', async () => {
  const person = new Person()
  const page = await ask(person)
  const form = expectQuestion(page)
  const fields = { csrf: form.fields.find(({ name }) => name === 'csrf')?.value ?? '', decision: 'approve' }
  // Another site's form brings no cookies (SameSite=Lax), and knows no handle.
  const foreign = await send(new URL(form.action), {
    method: 'POST',
    body: formBody(fields),
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' },
  })
  assert.deepEqual([foreign.status, foreign.headers.location], [400, undefined])
  expectErrorPage(await person.submit(page, form, { csrf: 'guessed0' }, 'approve', atProvider))
  expectErrorPage(await new Person().submit(page, form, {}, 'approve', atProvider))
  assert.notEqual((await person.submit(page, form, {}, 'approve', atProvider)).url.origin, broker.url)
})

test('C25 a program that answers the page itself gets nothing from the person whom it sends to the provider', async () => {
  const [program, person] = [new Person({ name: 'ada' }), new Person({ name: 'ada' })]
  await authorizationCode(broker, web, {}, person)
  const page = await ask(program)
  const away = await program.submit(page, expectQuestion(page), {}, 'approve', atProvider)
  expectErrorPage(await person.open(away.url, () => false))
})

test('C25 a second click on yes works like the first, because the page stays open while the provider is slow', async () => {
  const person = new Person()
  const page = await ask(person)
  const form = expectQuestion(page)
  await person.submit(page, form, {}, 'approve', atProvider)
  const halt: Halt = ({ port }) => port === '51004'
  const landed = await walk(person, page, { decision: 'approve', halt })
  const again = { code_verifier: challenge.verifier, redirect_uri: 'http://127.0.0.1:51004/cb' }
  expectTokens(await exchange(broker, app, landed.url.searchParams.get('code') ?? '', again))
})

test('C26 the token request repeats the port that was used; another one is invalid_grant and spends nothing', async () => {
  const person = new Person()
  const halt: Halt = ({ port }) => port === '51004'
  const landed = await walk(person, await ask(person), { decision: 'approve', halt })
  const code = landed.url.searchParams.get('code') ?? ''
  const verifier = { code_verifier: challenge.verifier }
  for (const uri of ['http://127.0.0.1/cb', 'http://127.0.0.1:51005/cb']) {
    expectRefusal(await exchange(broker, app, code, { ...verifier, redirect_uri: uri }), 400, 'invalid_grant')
  }
  expectTokens(await exchange(broker, app, code, { ...verifier, redirect_uri: 'http://127.0.0.1:51004/cb' }))
})

test('C26 what only looks like a loopback IP of the client’s is an error page, and so is another port for localhost', async () => {
  for (const uri of [
    'http://127.0.0.1:1@evil.example/cb',
    'http://127.0.0.1:1\\@evil.example/cb',
    'http://127.1:1/cb',
    'http://[::ffff:127.0.0.1]:1/cb',
    'http://localhost:3001/cb',
    'http://127.0.0.1:1/cb/',
    'https://127.0.0.1:1/cb',
  ]) {
    expectErrorPage(await ask(new Person(), app, { redirect_uri: uri }, () => true))
  }
  expectErrorPage(await ask(new Person(), web, { redirect_uri: 'http://127.0.0.1:9998/cb' }, () => true))
})

test('the question is spoken in the language that the client or the browser asks for', async () => {
  assert.match((await ask(new Person(), app, { ui_locales: 'fr de' })).text, /Zustimmen/)
  const reader = new Person({ headers: () => ({ 'accept-language': 'de-AT,en;q=0.5' }) })
  assert.match((await ask(reader)).text, /Zustimmen/)
})

test('the language that the client asks for stays after the answer to the question, and goes to the provider', async () => {
  const person = new Person()
  const asked = await ask(person, app, { ui_locales: 'fr de' })
  const away = await person.submit(asked, expectQuestion(asked), {}, 'approve', atProvider)
  assert.equal(away.url.searchParams.get('ui_locales'), 'fr de')
  const unanswerable = await new Person().submit(asked, expectQuestion(asked), {}, 'approve')
  expectErrorPage(unanswerable)
  assert.match(unanswerable.html, /<html lang="de">/)
})

test('the address of the endpoint with a POST and no handle is a request, not an answer', async () => {
  const answer = await send(new URL(endpoint(broker, 'demo', 'authorize')), {
    method: 'POST',
    body: formBody({ decision: 'approve' }),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  assert.equal(answer.status, 400)
  assert.match(answer.text, /client_id/)
})
