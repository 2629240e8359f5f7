/**
 * The login page in a real browser: it can be worked with the keyboard, and its form leads on to wherever the broker
 * sends the browser then.
 */

import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { type IdentityProvider, startIdentityProvider } from '../../local/identity-provider.ts'
import { type Chromium, hasChromium, launchChromium, type Site, serve } from '../pages/browser.ts'

const skip = !hasChromium()
const client = { clientId: 'token-broker-demo', application: 'demo', auth: 'client_secret_basic', secret: 'x' } as const

let provider: IdentityProvider
let application: Site
let broker: Site
let browser: Chromium

before(async () => {
  if (skip) return
  application = await serve((_incoming, outgoing) => outgoing.end('<title>The application</title>'))
  broker = await serve((_incoming, outgoing) => outgoing.writeHead(302, { location: `${application.origin}/cb` }).end())
  provider = await startIdentityProvider({ port: 0, clients: [client], log: () => {} })
  browser = await launchChromium()
})
after(async () => {
  if (skip) return
  await browser.close()
  await provider.stop()
  broker.close()
  application.close()
})

async function open(
  t: TestContext,
  options: BrowserContextOptions = {},
  more: Record<string, string> = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  t.after(() => context.close())
  const page = await context.newPage()
  const parameters = new URLSearchParams({
    ...{ client_id: client.clientId, response_type: 'code', scope: 'openid', ...more },
    redirect_uri: `${broker.origin}/demo/oauth/callback`,
  })
  await page.goto(`${provider.url}/auth?${parameters}`)
  return page
}

test('a person signs in with the keyboard alone and gets to the application, over the broker', { skip }, async (t) => {
  const page = await open(t)
  await page.keyboard.type('alice')
  await page.keyboard.press('Tab')
  await page.keyboard.type('secret')
  await page.keyboard.press('Enter')
  await page.waitForURL(`${application.origin}/cb`)
  assert.equal(await page.title(), 'The application')
})

test('with the user name given, the password is next', { skip }, async (t) => {
  const page = await open(t, {}, { login_hint: 'alice' })
  assert.equal(await page.inputValue('[name=login]'), 'alice')
  assert.equal(await page.evaluate('document.activeElement.name'), 'password')
})

test('after a mistake the user name is in focus and the message belongs to it', { skip }, async (t) => {
  const page = await open(t, {}, { login_hint: 'x'.repeat(70) })
  await page.click('text=Sign in >> nth=-1')
  await page.waitForSelector('[role=alert]')
  assert.equal(await page.evaluate('document.activeElement.getAttribute("aria-describedby")'), 'problem')
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`its style is let in by its own policy, ${colorScheme}, and fits the smallest phone`, { skip }, async (t) => {
    const page = await open(t, { colorScheme, viewport: { width: 320, height: 568 } })
    const button = 'getComputedStyle(document.querySelector("button")).backgroundColor'
    assert.equal(await page.evaluate(button), colorScheme === 'light' ? 'rgb(75, 59, 176)' : 'rgb(179, 168, 255)')
    assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
  })
}
