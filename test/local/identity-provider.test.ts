/**
 * The local identity provider: a real one to clients, a generous one to people.
 */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, mock, type TestContext, test } from 'node:test'
import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises'
import * as oidc from 'openid-client'
import { Browser, type Page } from '../../local/demo/browser.ts'
import { type IdentityProvider, startIdentityProvider } from '../../local/identity-provider.ts'
import { freePort, listen, PortTaken } from '../../local/ports.ts'
import { directory } from './support/directory.ts'

/** The package warns of each thing once, at its first use. */
const printed: unknown[] = []
for (const name of ['warn', 'info'] as const) mock.method(console, name, (...words: unknown[]) => printed.push(words))

const clientId = 'token-broker-demo'
const client = { clientId, application: 'demo', auth: 'client_secret_basic', secret: 'the-secret' } as const

/** Where a broker would be: it takes whatever comes back. */
const broker = createServer((_incoming, outgoing) => outgoing.end('back'))
let redirectUri: string
let provider: IdentityProvider

before(async () => {
  redirectUri = `http://127.0.0.1:${await listen(broker, 0, 'PORT')}/demo/oauth/callback`
  provider = await startIdentityProvider({ port: 0, clients: [client], log: () => {} })
})
after(async () => {
  broker.close()
  broker.closeAllConnections()
  await provider.stop()
})

async function discover({ url } = provider, secret: string = client.secret): Promise<oidc.Configuration> {
  const auth = oidc.ClientSecretBasic(secret)
  const configuration = await oidc.discovery(new URL(url), clientId, undefined, auth, {
    execute: [oidc.allowInsecureRequests],
  })
  oidc.enableNonRepudiationChecks(configuration)
  return configuration
}

const verifier = oidc.randomPKCECodeVerifier()

async function authorizationUrl(configuration: oidc.Configuration, more: Record<string, string> = {}): Promise<URL> {
  return oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce: 'once',
    ...more,
  })
}

const redeem = (configuration: oidc.Configuration, page: Page) =>
  oidc.authorizationCodeGrant(configuration, page.url, { pkceCodeVerifier: verifier, expectedNonce: 'once' })

const person = { login: 'mary.jane', password: 'anything' }

test('the page at its address leads to the metadata of each provider and platform', async () => {
  const text = await (await fetch(provider.url)).text()
  const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => href)
  assert.equal(links.length, 5)
  for (const link of links) {
    const { issuer } = (await (await fetch(link)).json()) as { readonly issuer: string }
    assert.equal(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, link)
  }
})

test('a person signs in with any name and password, and the broker’s client gets checked tokens', async () => {
  const configuration = await discover()
  const browser = new Browser()
  const page = await browser.submit(await browser.open(await authorizationUrl(configuration)), person)
  assert.equal(page.url.origin + page.url.pathname, redirectUri)
  const tokens = await redeem(configuration, page)
  const claims = tokens.claims()!
  assert.equal(claims.sub, 'mary.jane')
  assert.equal(claims.name, 'Mary Jane')
  assert.equal(claims.preferred_username, 'mary.jane')
  assert.equal(claims.email, 'mary.jane@example.test')
  assert.equal(claims.email_verified, true)
  assert.ok(Math.abs(Number(claims.auth_time) - Date.now() / 1_000) < 60)
  const told = await oidc.fetchUserInfo(configuration, tokens.access_token, 'mary.jane')
  assert.equal(told.email, 'mary.jane@example.test')
})

test('the issuer is the address it was started at', async () => {
  assert.equal((await discover()).serverMetadata().issuer, provider.url)
})

test('a wrong secret gets no tokens, and the code stays good for the right one', async () => {
  const browser = new Browser()
  const page = await browser.submit(await browser.open(await authorizationUrl(await discover())), person)
  await assert.rejects(redeem(await discover(provider, 'wrong'), page), { status: 401 })
  assert.equal((await redeem(await discover(), page)).claims()?.sub, 'mary.jane')
})

test('the broker may come back at any port, and at no other path or host', async () => {
  const configuration = await discover()
  const opened = async (uri: string) =>
    (await new Browser().open(await authorizationUrl(configuration, { redirect_uri: uri }))).status
  assert.equal(await opened('http://127.0.0.1:1/demo/oauth/callback'), 200)
  assert.equal(await opened('http://127.0.0.1:1/other/oauth/callback'), 400)
  assert.equal(await opened('http://evil.example/demo/oauth/callback'), 400)
})

test('who is signed in is not asked again, unless prompt or max_age want it', async () => {
  const configuration = await discover()
  const browser = new Browser()
  await browser.submit(await browser.open(await authorizationUrl(configuration)), person)
  const next = async (more: Record<string, string>) => {
    const page = await browser.open(await authorizationUrl(configuration, more))
    return page.html.includes('name="login"') ? 'asked' : page.url.searchParams.has('code') ? 'back' : page.url.search
  }
  const content: Record<string, string>[] = [{}, { prompt: 'none' }, { prompt: 'consent' }, { max_age: '1000' }]
  for (const more of content) {
    assert.equal(await next(more), 'back', JSON.stringify(more))
  }
  assert.equal(await next({ prompt: 'login' }), 'asked')
  assert.equal(await next({ max_age: '0' }), 'asked')
})

test('prompt=none without a session is login_required', async () => {
  const page = await new Browser().open(await authorizationUrl(await discover(), { prompt: 'none' }))
  assert.equal(page.url.searchParams.get('error'), 'login_required')
})

test('Cancel is access_denied', async () => {
  const browser = new Browser()
  const page = await browser.submit(await browser.open(await authorizationUrl(await discover())), { cancel: 'yes' })
  assert.equal(page.url.origin + page.url.pathname, redirectUri)
  assert.equal(page.url.searchParams.get('error'), 'access_denied')
})

test('login_hint stands in the form already, as text and nothing else', async () => {
  const url = await authorizationUrl(await discover(), { login_hint: '"><script>' })
  const { html } = await new Browser().open(url)
  assert.match(html, /name="login"[^>]*value="&#34;&#62;&#60;script&#62;"/)
  assert.doesNotMatch(html, /<script/)
})

for (const [what, login] of [
  ['empty', ' '],
  ['too long', 'x'.repeat(65)],
  ['with a line break', 'a\nb'],
] as const) {
  test(`a user name that is ${what} is asked for again, and the next one is taken`, async () => {
    const browser = new Browser()
    const first = await browser.open(await authorizationUrl(await discover()))
    const again = await browser.submit(first, { login, password: 'x' })
    assert.equal(again.status, 400)
    assert.match(again.html, /aria-invalid="true"/)
    assert.equal((await browser.submit(again, person)).url.pathname, '/demo/oauth/callback')
  })
}

test('its pages run nothing, say that they are a stand-in, and name each field', async () => {
  const response = await fetch((await new Browser().open(await authorizationUrl(await discover()))).url)
  const html = await response.text()
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.match(html, /Local stand-in/)
  const page = await new Browser().open(await authorizationUrl(await discover()))
  assert.match(page.html, /<html lang="en">/)
  for (const id of ['login', 'password']) {
    assert.match(page.html, new RegExp(`<label for="${id}">`))
    assert.match(page.html, new RegExp(`<input id="${id}" name="${id}"`))
  }
})

test('a sign-in of another browser, and a request that is wrong, get a page that says so', async () => {
  const page = await new Browser().open(await authorizationUrl(await discover()))
  const other = await new Browser().open(page.url)
  const wrong = await new Browser().open(`${provider.url}/auth?client_id=nobody`)
  for (const { status, html } of [other, wrong]) {
    assert.ok(status >= 400 && status < 500)
    assert.match(html, /Sign-in did not work/)
  }
})

test('with a data directory, keys and sign-ins outlive a restart', async (t) => {
  const dataDir = await directory(t)
  const port = await freePort()
  const first = await start(t, port, { dataDir })
  const configuration = await discover(first)
  const browser = new Browser()
  const page = await browser.submit(await browser.open(await authorizationUrl(configuration)), person)
  const keys = await (await fetch(`${first.url}/jwks`)).text()
  await first.stop()
  // Idle connections to the first one learn here that it is gone.
  await turnOfTheEventLoop()
  await start(t, port, { dataDir })
  assert.equal(await (await fetch(`${first.url}/jwks`)).text(), keys)
  assert.equal((await redeem(configuration, page)).claims()?.sub, 'mary.jane')
})

test('a port that something else has is said so, with the variable that changes it', async (t) => {
  const other = createServer((_incoming, outgoing) => outgoing.end('hello'))
  t.after(() => other.close())
  const port = await listen(other, 0, 'PORT')
  await assert.rejects(start(t, port), (error: unknown) => {
    return error instanceof PortTaken && error.message.includes(`${port}`) && error.message.includes('IDP_PORT')
  })
})

test('the package’s own warnings have not appeared in all of this', async (t) => {
  const quiet = await start(t, 0)
  const configuration = await discover(quiet)
  const browser = new Browser()
  const page = await browser.submit(await browser.open(await authorizationUrl(configuration)), person)
  const { access_token } = await redeem(configuration, page)
  await fetch(`${quiet.url}/me`, {
    headers: { authorization: `Bearer ${access_token}`, origin: 'http://elsewhere.test' },
  })
  await oidc.tokenRevocation(configuration, access_token)
  assert.deepEqual(printed, [])
})

type Options = Partial<Parameters<typeof startIdentityProvider>[0]>

async function start(t: TestContext, port: number, options: Options = {}): Promise<IdentityProvider> {
  const started = await startIdentityProvider({ port, clients: [client], log: () => {}, ...options })
  t.after(() => started.stop())
  return started
}
