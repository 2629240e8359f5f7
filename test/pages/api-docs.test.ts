/**
 * /apidocs/ in Chromium: links into it open their operation, on a phone too, and requests can be tried.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Locator } from 'playwright-core'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { complaintsIn, hasChromium, inTab } from './browser.ts'

const broker = await sharedBroker()

if (hasChromium()) describe('the description of the API in a browser', inBrowser)

function inBrowser(): void {
  // Swagger UI takes seconds to start, so one visit answers everything.
  it('O4 a link opens its operation, within the policy, a phone and a desktop, and starts a device flow, by localhost too', () =>
    inTab({}, async (tab) => {
      const complaints = complaintsIn(tab)
      const operation = (id: string): Locator => tab.locator(`#operations-OAuth2-${id}`)
      const start = operation('post__application__oauth_device_authorization')
      const url = broker.url.replace('127.0.0.1', 'localhost')
      await tab.goto(`${url}/apidocs/#/OAuth2/post__application__oauth_device_authorization`)
      await start.locator('.opblock-body').waitFor()
      assert.equal(await tab.locator('.opblock.is-open').count(), 1)

      const sent = tab.waitForRequest((request) => request.method() === 'POST')
      await start.getByRole('button', { name: 'Execute' }).click()
      assert.deepEqual(Object.fromEntries(new URLSearchParams((await sent).postData() ?? '')), {
        client_id: 'cli',
        scope: 'openid offline_access',
      })
      const answer = start.locator('.live-responses-table .response')
      assert.match(await answer.innerText(), /^200[\s\S]*"user_code": "[A-Z]{4}-[A-Z]{4}"/)

      const token = operation('post__application__oauth_token')
      await token.locator('.opblock-summary-control').click()
      await token.locator('.opblock-body').waitFor()
      for (const width of [390, 1280]) {
        await tab.setViewportSize({ width, height: 844 })
        const widths = await tab.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]')
        assert.equal(widths[0], widths[1])
      }
      // Swagger UI says this of every link whose id has an underscore.
      const others = complaints.filter((text) => !text.startsWith('Deprecated: escaping deep link whitespace'))
      assert.deepEqual(others, [])
    }))
}
