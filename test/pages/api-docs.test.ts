/**
 * /apidocs/ in Chromium: links into it open their operation, on a phone too, and requests can be tried.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page as Tab } from 'playwright-core'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { type Chromium, hasChromium, launchChromium } from './browser.ts'

const broker = await sharedBroker()

if (hasChromium()) describe('the description of the API in a browser', inBrowser)

function inBrowser(): void {
  let browser: Chromium
  before(async () => {
    browser = await launchChromium()
  })
  after(() => browser.close())

  async function inTab(width: number, use: (tab: Tab, complaints: string[]) => Promise<void>): Promise<void> {
    const context = await browser.newContext({ viewport: { width, height: 844 } })
    try {
      const tab = await context.newPage()
      const complaints: string[] = []
      tab.on('console', (message) => complaints.push(message.text()))
      tab.on('pageerror', (error) => complaints.push(error.message))
      await use(tab, complaints)
    } finally {
      await context.close()
    }
  }

  for (const width of [390, 1280]) {
    for (const id of ['post__application__oauth_token', 'get__application__oauth_userinfo']) {
      it(`O4 at ${width} px the link to ${id} opens that operation, within the policy and the width`, () =>
        inTab(width, async (tab, complaints) => {
          await tab.goto(`${broker.url}/apidocs/#/OAuth2/${id}`)
          const operation = tab.locator(`#operations-OAuth2-${id}`)
          await operation.locator('.opblock-body').waitFor()
          assert.equal(await tab.locator('.opblock.is-open').count(), 1)
          const widths = await tab.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]')
          assert.equal(widths[0], widths[1])
          // Swagger UI says this of every link whose id has an underscore.
          const others = complaints.filter((text) => !text.startsWith('Deprecated: escaping deep link whitespace'))
          assert.deepEqual(others, [])
        }))
    }
  }

  it('O4 a device flow can be started from the page, by localhost too', () =>
    inTab(390, async (tab) => {
      const url = broker.url.replace('127.0.0.1', 'localhost')
      await tab.goto(`${url}/apidocs/#/OAuth2/post__application__oauth_device_authorization`)
      const operation = tab.locator('#operations-OAuth2-post__application__oauth_device_authorization')
      const sent = tab.waitForRequest((request) => request.method() === 'POST')
      await operation.getByRole('button', { name: 'Execute' }).click()
      assert.deepEqual(Object.fromEntries(new URLSearchParams((await sent).postData() ?? '')), {
        client_id: 'cli',
        scope: 'openid offline_access',
      })
      const answer = operation.locator('.live-responses-table .response')
      assert.match(await answer.innerText(), /^200[\s\S]*"user_code": "[A-Z]{4}-[A-Z]{4}"/)
    }))
}
