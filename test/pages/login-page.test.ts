/**
 * The login page in a real browser: it can be worked with the keyboard, and its form leads on to wherever the broker
 * sends the browser then.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page as Tab } from 'playwright-core'
import { type IdentityProvider, startIdentityProvider } from '../../local/identity-provider.ts'
import { hasChromium, inTab, type Site, serve } from './browser.ts'

if (hasChromium()) describe('the login page of the local stack', inBrowser)

function inBrowser(): void {
  const client = {
    clientId: 'token-broker-demo',
    application: 'demo',
    auth: 'client_secret_basic',
    secret: 'x',
  } as const
  let provider: IdentityProvider
  let application: Site
  let broker: Site
  before(async () => {
    application = await serve((_incoming, outgoing) => outgoing.end('<title>The application</title>'))
    broker = await serve((_incoming, outgoing) =>
      outgoing.writeHead(302, { location: `${application.origin}/cb` }).end(),
    )
    provider = await startIdentityProvider({ port: 0, clients: [client], log: () => {} })
  })
  after(async () => {
    await provider.stop()
    broker.close()
    application.close()
  })

  async function open(tab: Tab, more: Record<string, string> = {}): Promise<void> {
    const parameters = new URLSearchParams({
      ...{ client_id: client.clientId, response_type: 'code', scope: 'openid', ...more },
      redirect_uri: `${broker.origin}/demo/oauth/callback`,
    })
    await tab.goto(`${provider.url}/auth?${parameters}`)
  }

  it('a person signs in with the keyboard alone and gets to the application, over the broker', () =>
    inTab({}, async (tab) => {
      await open(tab)
      await tab.keyboard.type('alice')
      await tab.keyboard.press('Tab')
      await tab.keyboard.type('secret')
      await tab.keyboard.press('Enter')
      await tab.waitForURL(`${application.origin}/cb`)
      assert.equal(await tab.title(), 'The application')
    }))

  it('with the user name given, the password is next', () =>
    inTab({}, async (tab) => {
      await open(tab, { login_hint: 'alice' })
      assert.equal(await tab.inputValue('[name=login]'), 'alice')
      assert.equal(await tab.evaluate('document.activeElement.name'), 'password')
    }))

  it('after a mistake the user name is in focus and the message belongs to it', () =>
    inTab({}, async (tab) => {
      await open(tab, { login_hint: 'x'.repeat(70) })
      await tab.click('text=Sign in >> nth=-1')
      await tab.waitForSelector('[role=alert]')
      assert.equal(await tab.evaluate('document.activeElement.getAttribute("aria-describedby")'), 'problem')
    }))

  it('its style is let in by its own policy, light and dark, and fits the smallest phone', () =>
    inTab({ width: 320 }, async (tab) => {
      await open(tab)
      const button = 'getComputedStyle(document.querySelector("button")).backgroundColor'
      for (const [colorScheme, colour] of [
        ['light', 'rgb(75, 59, 176)'],
        ['dark', 'rgb(179, 168, 255)'],
      ] as const) {
        await tab.emulateMedia({ colorScheme })
        assert.equal(await tab.evaluate(button), colour)
        assert.equal(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
      }
    }))
}
