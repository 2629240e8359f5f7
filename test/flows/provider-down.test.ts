/**
 * C19 of the cases: the identity provider is down, before the browser goes there or after it came back.
 *
 * Owns what people, clients and devices see of a provider out of reach (contract.md §2: what the caller holds stays
 * usable).
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { type Caller, cli, web } from './support/callers.ts'
import { authorizeUrl, callbackUri, endpoint, issuer, poll } from './support/endpoints.ts'
import { expectRefusal } from './support/expect.ts'
import { deviceCode, walk } from './support/flows.ts'
import { type HollowProvider, startHollowProvider } from './support/hollow-provider.ts'
import { type Page, Person } from './support/person.ts'
import { freePort } from './support/ports.ts'
import { registryFile } from './support/registry.ts'

let hollow: HollowProvider
let broker: BrokerHere
before(async () => {
  hollow = await startHollowProvider()
  const issuers = {
    dark: `http://127.0.0.1:${await freePort()}`,
    fading: hollow.issuer,
    // Of this one the cause is ours: the registry names an address where there is no provider.
    mistyped: `${hollow.issuer}/nothing-here`,
  }
  const registry = registryFile(({ application, addApplication }) => {
    const demo = application('demo')
    for (const [name, providerIssuer] of Object.entries(issuers)) {
      const provider = { kind: 'oidc', issuer: providerIssuer, clientId: 'token-broker', auth: 'none' }
      addApplication({ ...demo, name, displayName: name, provider })
    }
  })
  broker = await startBrokerHere({ registry })
})
after(async () => {
  await broker.stop()
  await hollow.stop()
})

const at = (caller: Caller, application: string): Caller => ({ ...caller, application })

/** The client hears of it in the redirect, with its state and nothing that it could exchange. */
function expectUnavailableRedirect(page: Page, application: string): void {
  const { url } = page
  assert.equal(url.origin + url.pathname, callbackUri, `${page.status} ${page.text}`)
  assert.equal(url.searchParams.get('error'), 'temporarily_unavailable', url.href)
  assert.equal(url.searchParams.get('state'), 'st')
  assert.equal(url.searchParams.get('iss'), issuer(broker, application))
  assert.equal(url.searchParams.get('code'), null)
}

test('C19 a provider that cannot be reached makes an authorization request temporarily_unavailable', async () => {
  const page = await new Person().open(authorizeUrl(broker, at(web, 'dark'), { state: 'st' }))
  expectUnavailableRedirect(page, 'dark')
})

test('C19 a provider that goes down before the code is redeemed makes it temporarily_unavailable, and no half session', async () => {
  const person = new Person()
  const callback = wayBack(await person.open(authorizeUrl(broker, at(web, 'fading'), { state: 'st' }), away))
  expectUnavailableRedirect(await person.open(callback), 'fading')
})

test('C19 a person with a device meets a 503 page, and the device stays pending', async () => {
  for (const application of ['dark', 'fading']) {
    const { page, started } = await unavailable(application)
    assert.equal(page.status, 503, page.text)
    assert.match(page.headers['content-type'] ?? '', /^text\/html/)
    assert.match(page.headers['retry-after'] ?? '', /^[1-9][0-9]*$/)
    expectRefusal(await poll(broker, at(cli, application), started.deviceCode), 400, 'authorization_pending')
  }
})

test('C19 the page has a link that starts again with the same code, and without a guess', async () => {
  for (const application of ['dark', 'fading']) {
    const { page, started } = await unavailable(application)
    const [, href = ''] = /<a class="button" href="([^"]*)">Try again</.exec(page.html) ?? []
    const again = new URL(href.replaceAll('&#38;', '&'))
    assert.equal(`${again.origin}${again.pathname}`, `${issuer(broker, application)}/activate`)
    assert.equal(again.searchParams.get('user_code'), started.userCode)
    const next = await new Person().open(again)
    if (application === 'fading')
      assert.ok(next.forms.some(({ buttons }) => buttons.some(({ name }) => name === 'decision')))
    else assert.equal(next.status, 503)
  }
})

test('C19 where the cause is ours, nobody is told to wait, and the page has the request to quote', async () => {
  const { page, started } = await unavailable('mistyped')
  assert.deepEqual([page.status, page.headers['retry-after']], [503, undefined], page.text)
  assert.match(page.text, /Waiting does not help/)
  assert.ok(page.text.includes(page.headers['x-request-id'] ?? 'none'))
  assert.doesNotMatch(page.text, /try again/i)
  expectRefusal(await poll(broker, at(cli, 'mistyped'), started.deviceCode), 400, 'authorization_pending')
  const { url } = await new Person().open(authorizeUrl(broker, at(web, 'mistyped'), { state: 'st' }))
  assert.deepEqual([url.searchParams.get('error'), url.searchParams.get('state')], ['server_error', 'st'])
  assert.match(url.searchParams.get('error_description') ?? '', /quote the request [\w=-]+/)
})

/** The page that a person with a device meets. */
async function unavailable(application: string) {
  const started = await deviceCode(broker, at(cli, application))
  const person = new Person()
  const answers = { decision: 'approve', halt: away } as const
  const page = await walk(person, await person.open(started.verificationUriComplete), answers)
  return { started, page: page.url.origin === hollow.issuer ? await person.open(wayBack(page)) : page }
}

const away = (url: URL) => url.origin !== broker.url

/** Where the provider would send the browser back to, with a code that nobody will ever redeem. */
function wayBack({ url }: Page): URL {
  assert.equal(url.origin, hollow.issuer, url.href)
  const callback = new URL(url.searchParams.get('redirect_uri') ?? '')
  assert.ok(callback.href.startsWith(endpoint(broker, 'fading', 'callback')))
  callback.searchParams.set('code', 'never')
  callback.searchParams.set('state', url.searchParams.get('state') ?? '')
  return callback
}
