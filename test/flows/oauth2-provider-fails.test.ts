/**
 * What people and clients meet when a provider of kind `oauth2` fails at sign-in.
 *
 * Owns the outcomes that docs/providers.md lists; how each failure is read is in test/providers.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { json, startProvider, type TestProvider } from '../support/provider.ts'
import { type BrokerHere, startBrokerHere } from './support/broker-here.ts'
import { type Caller, cli, userdocs } from './support/callers.ts'
import { authorizeUrl, endpoint, exchange, poll } from './support/endpoints.ts'
import { expectRefusal, expectTokens } from './support/expect.ts'
import { deviceCode, walk } from './support/flows.ts'
import { type Page, Person } from './support/person.ts'
import { registryFile } from './support/registry.ts'

const device: Caller = { ...cli, application: 'userdocs' }

let provider: TestProvider
let broker: BrokerHere
before(async () => {
  provider = await startProvider()
  const registry = registryFile(({ application, client, addClient }) => {
    addClient('userdocs', { ...client('demo', 'cli'), scopes: ['profile', 'offline_access'] })
    application('userdocs').provider = {
      ...{ kind: 'oauth2', clientId: 'broker', auth: 'client_secret_post' },
      authorizationEndpoint: `${provider.issuer}/authorize`,
      tokenEndpoint: `${provider.issuer}/token`,
      userinfoEndpoint: `${provider.issuer}/userinfo`,
    }
  })
  broker = await startBrokerHere({ registry })
})
afterEach(() => provider.behave())
after(async () => {
  await broker.stop()
  await provider.stop()
})

const away = (url: URL) => url.origin === provider.issuer || url.origin === 'http://127.0.0.1:9999'

/** Where the provider sends the browser back to, the person there having consented. */
function wayBack({ url }: Page): URL {
  const callback = new URL(url.searchParams.get('redirect_uri') ?? '')
  assert.equal(callback.href, endpoint(broker, 'userdocs', 'callback'))
  callback.searchParams.set('code', 'c')
  callback.searchParams.set('state', url.searchParams.get('state') ?? '')
  return callback
}

async function codeSignIn(): Promise<Page> {
  const person = new Person()
  const there = await person.open(authorizeUrl(broker, userdocs, { scope: 'profile', state: 'st' }), away)
  return person.open(wayBack(there), away)
}

async function deviceSignIn(): Promise<{ page: Page; deviceCode: string }> {
  const started = await deviceCode(broker, device, { scope: 'profile' })
  const person = new Person()
  const there = await walk(person, await person.open(started.verificationUriComplete), {
    decision: 'approve',
    halt: away,
  })
  return { page: await person.open(wayBack(there), away), deviceCode: started.deviceCode }
}

test('a provider that works signs people in, by code and by device', async () => {
  const code = (await codeSignIn()).url.searchParams.get('code') ?? ''
  expectTokens(await exchange(broker, userdocs, code))
  const { deviceCode: approved } = await deviceSignIn()
  expectTokens(await poll(broker, device, approved))
})

const faultLines = () => broker.output().split('"event":"fault"').length

const troubles: Readonly<Record<string, () => void>> = {
  'a token endpoint that answers 500': () => provider.misbehave('token', (_, response) => json(response, 500, {})),
  'a userinfo that answers 503': () =>
    provider.misbehave('userinfo', (_, response) => void response.writeHead(503).end('<p>')),
  'a userinfo that hangs up': () => provider.misbehave('userinfo', (request) => void request.socket.destroy()),
  'a userinfo that never answers': () => provider.misbehave('userinfo', () => {}),
}
for (const [name, begin] of Object.entries(troubles)) {
  test(`${name} is temporarily_unavailable for a client and 503 for a person with a device`, async () => {
    begin()
    const known = faultLines()
    const [{ url }, { page, deviceCode: pending }] = await Promise.all([codeSignIn(), deviceSignIn()])
    assert.deepEqual([url.searchParams.get('error'), url.searchParams.get('state')], ['temporarily_unavailable', 'st'])
    assert.equal(url.searchParams.get('code'), null)
    assert.equal(faultLines(), known + 2, 'a line for the operator each')
    assert.equal(page.status, 503)
    assert.match(page.headers['retry-after'] ?? '', /^[1-9][0-9]*$/)
    expectRefusal(await poll(broker, device, pending), 400, 'authorization_pending')
  })
}

const faults: Readonly<Record<string, () => void>> = {
  'a token endpoint that refuses the broker': () =>
    provider.misbehave('token', (_, response) => json(response, 401, { error: 'invalid_client' })),
  'a token endpoint that answers HTML': () =>
    provider.misbehave('token', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>')
    }),
  'a userinfo that refuses the token': () =>
    provider.misbehave('userinfo', (_, response) => json(response, 403, { error: 'forbidden' })),
  'a userinfo without a subject': () => provider.misbehave('userinfo', (_, response) => json(response, 200, {})),
}
for (const [name, begin] of Object.entries(faults)) {
  // A refused secret is a mistake in the set-up, which the person cannot mend by starting again.
  const pageStatus = begin === faults['a token endpoint that refuses the broker'] ? 503 : 400
  test(`${name} is server_error for a client, an error page for a person, and a line for the operator`, async () => {
    begin()
    const [{ url }, { page, deviceCode: pending }] = [await codeSignIn(), await deviceSignIn()]
    assert.deepEqual([url.searchParams.get('error'), url.searchParams.get('state')], ['server_error', 'st'])
    assert.equal(page.status, pageStatus, page.text)
    assert.match(broker.output(), /"event":"provider.unexpected"/)
    expectRefusal(await poll(broker, device, pending), 400, 'authorization_pending')
  })
}

test('a code that the provider does not know is an error page, and the client gets nothing', async () => {
  provider.misbehave('token', (_, response) => json(response, 400, { error: 'invalid_grant' }))
  const page = await codeSignIn()
  assert.equal(page.url.origin, broker.url)
  assert.equal(page.status, 400)
})

test('no answer and no log line holds the broker’s secret or the provider’s token', async () => {
  const page = await codeSignIn()
  const [{ body } = { body: '' }] = provider.requests
  const secret = new URLSearchParams(body).get('client_secret') ?? ''
  assert.ok(secret.length >= 43)
  for (const text of [page.html, page.url.href, broker.output()]) {
    assert.ok(!text.includes(secret) && !text.includes('the access token of the provider'))
  }
})
