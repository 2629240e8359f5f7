/**
 * Whole sign-ins in Chromium, with its own cookies, policies and tabs: broker, provider and client are servers of their own.
 */

import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Page as Tab } from 'playwright-core'
import { type BrokerHere, startBrokerHere } from '../flows/support/broker-here.ts'
import { web } from '../flows/support/callers.ts'
import { authorizeUrl, type Extra } from '../flows/support/endpoints.ts'
import { deviceCode, pkce } from '../flows/support/flows.ts'
import { registryFile } from '../flows/support/registry.ts'
import { hasChromium, inTab, type Site, serve } from './browser.ts'

if (hasChromium()) describe('a sign-in in a browser', inBrowser)

const app = { application: 'demo', clientId: 'app', auth: 'none' } as const

/** What a browser brought to the client's redirect URI. */
type Visit = { readonly method: string; readonly origin: string | undefined; readonly told: URLSearchParams }

function inBrowser(): void {
  let broker: BrokerHere
  let client: Site
  let welcome: Site
  const visits: Visit[] = []
  before(async () => {
    welcome = await serve((_, response) => response.end('You may close this window'))
    client = await serve(async (request, response) => {
      const { method = '', url = '', headers } = request
      if (!url.startsWith('/cb')) return void response.writeHead(404).end()
      const told = method === 'POST' ? await text(request) : new URL(url, 'http://client').search
      visits.push({ method, origin: headers.origin, told: new URLSearchParams(told) })
      // A policy for the form that led here holds for this redirect as well.
      response.writeHead(303, { location: welcome.origin }).end()
    })
    const registry = registryFile(({ addClient, client: row }) => {
      const grants = ['authorization_code', 'refresh_token']
      const redirectUris = ['http://127.0.0.1/cb']
      addClient('demo', { clientId: 'app', displayName: 'Notes', auth: 'none', grants, redirectUris })
      Object.assign(row('demo', 'web'), { redirectUris: [`${client.origin}/cb`] })
    })
    broker = await startBrokerHere({ registry })
  })
  after(async () => {
    await broker.stop()
    client.close()
    welcome.close()
  })

  beforeEach(() => {
    visits.length = 0
  })

  const start = (caller: typeof app | typeof web, extra: Extra = {}) =>
    authorizeUrl(broker, caller, { ...pkce().parameters, redirect_uri: `${client.origin}/cb`, ...extra })

  async function signIn(tab: Tab): Promise<void> {
    await tab.locator('[name=login]').fill('ada')
    await tab.locator('[name=password]').fill('secret')
    await tab.locator('button[type=submit]').first().click({ noWaitAfter: true })
  }

  async function visited(tab: Tab, count = 1): Promise<Visit> {
    await tab.waitForURL(`${welcome.origin}/`)
    return visits[count - 1] ?? assert.fail('the client was not visited')
  }

  it('without scripts, a native app is confirmed, or declined, and the browser reaches its port', () =>
    inTab({ javaScriptEnabled: false }, async (tab) => {
      await tab.goto(start(app))
      await tab.getByRole('button', { name: 'Decline' }).click({ noWaitAfter: true })
      assert.equal((await visited(tab)).told.get('error'), 'access_denied')
      await tab.goto(start(app))
      await tab.getByRole('button', { name: 'Approve' }).click()
      await signIn(tab)
      assert.ok((await visited(tab, 2)).told.get('code'))
      // Now the provider asks nothing, so one form leads through all four redirects.
      await tab.goto(start(app))
      await tab.getByRole('button', { name: 'Approve' }).click({ noWaitAfter: true })
      assert.ok((await visited(tab, 3)).told.get('code'))
    }))

  for (const javaScriptEnabled of [true, false]) {
    const scripts = javaScriptEnabled ? 'with scripts' : 'without scripts'

    it(`${scripts}, the answer is posted to the client, which learns that the form is the broker’s`, () =>
      inTab({ javaScriptEnabled }, async (tab) => {
        await tab.goto(start(web, { response_mode: 'form_post', state: 'st"<&' }))
        await signIn(tab)
        if (!javaScriptEnabled) await tab.getByRole('button', { name: 'Continue' }).click({ noWaitAfter: true })
        const { method, origin, told } = await visited(tab)
        assert.deepEqual([method, origin, told.get('state')], ['POST', broker.url, 'st"<&'])
        assert.ok(told.get('code'))
      }))
  }

  it('the page of success shows the same after a reload, and when the browser goes back to it', () =>
    inTab({}, async (tab) => {
      await tab.goto((await deviceCode(broker)).verificationUriComplete)
      await tab.getByRole('button', { name: 'Approve' }).click()
      await signIn(tab)
      const heading = tab.getByRole('heading', { name: 'Demo command line is connected' })
      await heading.waitFor()
      assert.deepEqual([...new URL(tab.url()).searchParams.keys()], ['result'])
      await tab.reload()
      await heading.waitFor()
      await tab.goto(`${broker.url}/demo/activate`)
      await tab.goBack()
      await heading.waitFor()
    }))

  it('two tabs sign in at the same time, one for a client and one for a device', () =>
    inTab({}, async (forClient) => {
      const forDevice = await forClient.context().newPage()
      await forClient.goto(start(web, { state: 'tab' }))
      await forDevice.goto((await deviceCode(broker)).verificationUriComplete)
      await forDevice.getByRole('button', { name: 'Approve' }).click()
      await forDevice.locator('[name=login]').waitFor()
      await signIn(forClient)
      assert.deepEqual((await visited(forClient)).told.get('state'), 'tab')
      await signIn(forDevice)
      await forDevice.getByRole('heading', { name: 'is connected' }).waitFor()
      await forDevice.close()
    }))
}
