/**
 * D19, D21, D22 and D25 of the cases: the pages where a person types a user code, is asked, and comes back from the provider.
 *
 * Owns the activation pages as a browser without scripts meets them (RFC 8628 §3.3).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli } from './support/callers.ts'
import { endpoint, issuer, poll } from './support/endpoints.ts'
import { expectErrorPage, expectRefusal, expectTokens } from './support/expect.ts'
import { decide, device, deviceCode, type, walk } from './support/flows.ts'
import { type Halt, type Page, Person } from './support/person.ts'
import { sharedBroker } from './support/shared-broker.ts'
import { randomUserCode } from './support/user-code.ts'

const broker = await sharedBroker()

const asksToDecide = (page: Page) =>
  page.forms.some(({ buttons }) => buttons.some(({ name, value }) => name === 'decision' && value === 'approve'))

test('D19 a user code in lower case, without its dash or with spaces is the same code', async () => {
  const spellings: ((code: string) => string)[] = [
    (code) => code.toLowerCase(),
    (code) => code.replace('-', ''),
    (code) => code.replace('-', ' '),
    (code) => `  ${code.toLowerCase().replace('-', '').split('').join(' ')} `,
    (code) => code.split('').join('-'),
  ]
  for (const spelling of spellings) {
    const started = await deviceCode(broker)
    const person = new Person()
    const typed = spelling(started.userCode)
    await type(person, started.verificationUri, typed, 'approve')
    expectTokens(await poll(broker, cli, started.deviceCode))
  }
})

test('D21 a wrong user code brings a friendly error page and no sign-in', async () => {
  const person = new Person({ localAddress: '127.0.20.5' })
  for (const wrong of [randomUserCode(), 'AEIO-UAEI', 'B', '<script>']) {
    const page = await type(person, `${issuer(broker, 'demo')}/activate`, wrong, 'approve')
    expectErrorPage(page)
    assert.doesNotMatch(page.html, /<script/i)
  }
  expectOnlyBroker(person)
})

test('D21 a used or a denied user code brings a friendly error page and no sign-in', async () => {
  const used = (await device(broker)).started
  const denied = await deviceCode(broker)
  await decide(denied, 'deny')
  for (const started of [used, denied]) {
    const person = new Person({ localAddress: '127.0.20.6' })
    expectErrorPage(await decide(started, 'approve', person))
    expectErrorPage(await type(person, started.verificationUri, started.userCode, 'approve'))
    expectOnlyBroker(person)
  }
})

test('D21 the page that a person is left with says that it is done', async () => {
  const approved = await decide(await deviceCode(broker), 'approve')
  const denied = await decide(await deviceCode(broker), 'deny')
  for (const page of [approved, denied]) {
    assert.equal(page.status, 200, page.text)
    assert.equal(page.url.origin, broker.url)
    assert.match(page.headers['content-type'] ?? '', /^text\/html/)
  }
})

const atProvider: Halt = (url) => url.origin !== broker.url
const atCallback: Halt = (url) => url.href.startsWith(endpoint(broker, 'demo', 'callback'))

test('D22 a callback with an invented state is an error page and the device stays pending', async () => {
  const started = await deviceCode(broker)
  const person = new Person()
  await walk(person, await person.open(started.verificationUriComplete), { decision: 'approve', halt: atProvider })
  for (const query of ['code=invented&state=invented', 'code=invented', 'state=invented', '', 'error=access_denied']) {
    expectErrorPage(await person.open(`${endpoint(broker, 'demo', 'callback')}?${query}`))
  }
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
})

test('D22 a callback with the right state and an invented code is an error page and the device stays pending', async () => {
  const started = await deviceCode(broker)
  const person = new Person()
  const page = await walk(person, await person.open(started.verificationUriComplete), {
    decision: 'approve',
    halt: atProvider,
  })
  const callback = new URL(endpoint(broker, 'demo', 'callback'))
  callback.searchParams.set('code', 'invented')
  callback.searchParams.set('state', page.url.searchParams.get('state') ?? '')
  callback.searchParams.set('iss', page.url.origin)
  expectErrorPage(await person.open(callback))
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
})

test('D25 a second click on either button, while the provider is slow, counts like the first', async () => {
  for (const second of ['approve', 'deny'] as const) {
    const started = await deviceCode(broker)
    const person = new Person()
    const question = await person.open(started.verificationUriComplete)
    const form = question.forms.find(({ buttons }) => buttons.some(({ name }) => name === 'decision'))
    assert.ok(form)
    await person.submit(question, form, {}, 'approve', atProvider)
    const page = await person.submit(question, form, {}, second, atProvider)
    if (second === 'approve') {
      await walk(person, await person.open(page.url), {})
      expectTokens(await poll(broker, cli, started.deviceCode))
    } else expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'access_denied')
    expectErrorPage(await person.submit(question, form, {}, 'approve', atProvider))
  }
})

test('D22 a callback that another browser came by is an error page and the device stays pending', async () => {
  const started = await deviceCode(broker)
  const [victim, attacker] = [new Person({ name: 'ada' }), new Person({ name: 'mallory' })]
  const answers = { decision: 'approve', halt: atCallback } as const
  const landed = await walk(attacker, await attacker.open(started.verificationUriComplete), answers)
  assert.ok(atCallback(landed.url), landed.url.href)
  expectErrorPage(await victim.open(landed.url))

  const own = await deviceCode(broker)
  await walk(victim, await victim.open(own.verificationUriComplete), { decision: 'approve', halt: atProvider })
  expectErrorPage(await victim.open(landed.url))
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
  expectRefusal(await poll(broker, cli, own.deviceCode), 400, 'authorization_pending')
})

test('D25 the complete address still asks, and shows the code, the client and the scopes', async () => {
  const started = await deviceCode(broker, cli, { scope: 'openid email offline_access' })
  const person = new Person()
  const page = await walk(person, await person.open(started.verificationUriComplete), {})
  assert.equal(page.status, 200, page.text)
  assert.ok(asksToDecide(page), 'a form asks to approve or deny')
  for (const shown of [started.userCode, 'Demo command line', 'openid', 'email', 'offline_access']) {
    assert.ok(page.text.toLowerCase().includes(shown.toLowerCase()), `${shown} is shown: ${page.text}`)
  }
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'authorization_pending')
})

test('D25 the question says from where and when the device asked, and whether that is the network of the browser', async () => {
  const started = await deviceCode(broker)
  const here = await new Person().open(started.verificationUriComplete)
  assert.match(here.text, /just now.* 127\.0\.0\.1 The network that you are on/)
  const elsewhere = await new Person({ localAddress: '127.0.25.1' }).open(started.verificationUriComplete)
  assert.match(elsewhere.text, / 127\.0\.0\.1 Not the network that you are on/)
})

test('the pages are in the language that the address asks for, and else in the browser’s, through every form', async () => {
  const german = new Person({ headers: () => ({ 'accept-language': 'de-CH, en;q=0.5' }) })
  const started = await deviceCode(broker)
  const asked = await german.open(started.verificationUri)
  assert.match(asked.html, /^<!doctype html>\n<html lang="de">/)
  const question = await german.submit(asked, asked.forms[0]!, { user_code: started.userCode })
  assert.match(question.text, /Die Demo-API für Sie benutzen/, 'the registry’s texts too')

  const person = new Person()
  const overridden = await person.open(`${started.verificationUri}?ui_locales=de`)
  const next = await person.submit(overridden, overridden.forms[0]!, { user_code: started.userCode })
  const denied = await person.submit(next, next.forms[0]!, {}, 'deny')
  for (const page of [overridden, next, denied]) assert.match(page.html, /<html lang="de">/)
  assert.match(denied.text, /Demo command line ist nicht verbunden/)
})

test('the language that the address asks for goes to the provider, and stays through the sign-in and a reload', async () => {
  const started = await deviceCode(broker)
  const person = new Person({ headers: () => ({ 'accept-language': 'en' }) })
  const asked = await person.open(`${started.verificationUriComplete}&ui_locales=de`)
  const connected = await walk(person, asked, { decision: 'approve' })
  const atProvider = person.visited.find(({ pathname }) => pathname === '/auth')
  assert.equal(atProvider?.searchParams.get('ui_locales'), 'de')
  for (const page of [connected, await person.open(connected.url)]) assert.match(page.text, /ist verbunden/)
})

function expectOnlyBroker(person: Person): void {
  const elsewhere = person.visited.filter(({ origin }) => origin !== broker.url)
  assert.deepEqual(elsewhere, [], 'the browser never left the broker')
}

test('D11 a person whom the provider refuses is told, and the device hears access_denied', async () => {
  const started = await deviceCode(broker)
  const person = new Person()
  const away: Halt = (url) => url.origin !== broker.url
  const asked = await walk(person, await person.open(started.verificationUriComplete), {
    decision: 'approve',
    halt: away,
  })
  const callback = new URL(endpoint(broker, 'demo', 'callback'))
  callback.searchParams.set('state', asked.url.searchParams.get('state') ?? '')
  callback.searchParams.set('iss', asked.url.origin)
  callback.searchParams.set('error', 'access_denied')
  expectErrorPage(await person.open(callback))
  expectRefusal(await poll(broker, cli, started.deviceCode), 400, 'access_denied')
})

test('D22 an answer that the page did not put together is refused, and the device stays pending', async () => {
  const started = await deviceCode(broker)
  const other = await deviceCode(broker)
  const person = new Person()
  const page = await person.open(started.verificationUriComplete)
  const [form] = page.forms
  assert.ok(form)
  expectErrorPage(await new Person().submit(page, form, {}, 'approve'))
  expectErrorPage(await person.submit(page, form, { csrf: 'guessed' }, 'approve'))
  expectErrorPage(await person.submit(page, form, { user_code: other.userCode }, 'approve'))
  for (const { deviceCode: code } of [started, other]) {
    expectRefusal(await poll(broker, cli, code), 400, 'authorization_pending')
  }
})

test('D21 who decided in one window reads in the other that the code has been used', async () => {
  const started = await deviceCode(broker)
  const [first, second] = [new Person(), new Person()]
  const pages = [await first.open(started.verificationUriComplete), await second.open(started.verificationUriComplete)]
  await walk(first, pages[0]!, { decision: 'deny' })
  for (const decision of ['approve', 'deny'] as const) {
    expectErrorPage(await second.submit(pages[1]!, pages[1]!.forms[0]!, {}, decision))
  }
})
