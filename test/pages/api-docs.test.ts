/**
 * /apidocs/ in Chromium: links into it open their operation, on a phone too, and requests can be tried.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Locator, Page as Tab } from 'playwright-core'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { complaintsIn, hasChromium, inTab } from './browser.ts'

const broker = await sharedBroker()

if (hasChromium()) describe('the description of the API in a browser', inBrowser)

// Swagger UI takes seconds to start, so a visit answers all that it can.
function inBrowser(): void {
  const operation = (tab: Tab, id: string): Locator => tab.locator(`#operations-OAuth2-${id}`)

  /** Follows a link to an operation, which alone is open then. */
  async function follow(tab: Tab, url: string, id: string): Promise<void> {
    await tab.goto(`${url}/apidocs/#/OAuth2/${id}`)
    await operation(tab, id).locator('.opblock-body').waitFor()
    assert.equal(await tab.locator('.opblock.is-open').count(), 1)
  }

  it('O4 a link opens its operation, within the policy and the width of a phone and of a desktop, and so does a click', () =>
    inTab({}, async (tab) => {
      const complaints = complaintsIn(tab)
      await follow(tab, broker.url, 'get__application__oauth_userinfo')
      const clicked = operation(tab, 'post__application__oauth_token')
      await clicked.locator('.opblock-summary-control').click()
      await clicked.locator('.opblock-body').waitFor()
      for (const width of [390, 1280]) {
        await tab.setViewportSize({ width, height: 844 })
        const widths = await tab.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]')
        assert.equal(widths[0], widths[1])
      }
      // Swagger UI says this of every link whose id has an underscore.
      const others = complaints.filter((text) => !text.startsWith('Deprecated: escaping deep link whitespace'))
      assert.deepEqual(others, [])
    }))

  it('O4 a device flow can be started from the page, by localhost too', () =>
    inTab({}, async (tab) => {
      const id = 'post__application__oauth_device_authorization'
      await follow(tab, broker.url.replace('127.0.0.1', 'localhost'), id)
      const sent = tab.waitForRequest((request) => request.method() === 'POST')
      await operation(tab, id).getByRole('button', { name: 'Execute' }).click()
      assert.deepEqual(Object.fromEntries(new URLSearchParams((await sent).postData() ?? '')), {
        client_id: 'cli',
        scope: 'openid offline_access',
      })
      const answer = operation(tab, id).locator('.live-responses-table .response')
      assert.match(await answer.innerText(), /^200[\s\S]*"user_code": "[A-Z]{4}-[A-Z]{4}"/)
    }))
}
