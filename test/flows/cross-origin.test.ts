/**
 * A script of another origin in a real browser: which routes it may call, and which headers of the answer it can read.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page as Tab } from 'playwright-core'
import { type Chromium, hasChromium, launchChromium, type Site, serve } from '../pages/browser.ts'
import { sharedBroker } from './support/shared-broker.ts'

type Init = { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string }
type Seen = { readonly status: number; readonly headers: Readonly<Record<string, string | null>> }

const broker = await sharedBroker()
if (hasChromium()) describe('a script of another origin', inBrowser)

function inBrowser(): void {
  let browser: Chromium
  let site: Site
  let tab: Tab
  before(async () => {
    browser = await launchChromium()
    site = await serve((_incoming, outgoing) => outgoing.setHeader('content-type', 'text/html').end('<!doctype html>'))
    tab = await browser.newPage()
    await tab.goto(site.origin)
  })
  after(async () => {
    await browser.close()
    site.close()
  })

  /** What the script sees; undefined where the browser keeps the answer from it. */
  const call = (path: string, init: Init = {}): Promise<Seen | undefined> =>
    tab.evaluate(
      async ({ url, init }) => {
        try {
          const { status, headers } = await fetch(url, init)
          const names = ['www-authenticate', 'retry-after', 'x-request-id']
          return { status, headers: Object.fromEntries(names.map((name) => [name, headers.get(name)])) }
        } catch {
          return undefined
        }
      },
      { url: `${broker.url}/demo/${path}`, init },
    )

  it('reads why it was refused and under which request id, after a preflight too', async () => {
    const userinfo = await call('oauth/userinfo', { headers: { authorization: 'Bearer wrong' } })
    assert.equal(userinfo?.status, 401)
    assert.match(userinfo.headers['www-authenticate'] ?? '', /^Bearer .*invalid_token/)
    assert.match(userinfo.headers['x-request-id'] ?? '', /./)
    const basic = `Basic ${btoa('basic:wrong')}`
    const body = 'grant_type=refresh_token&refresh_token=x'
    const headers = { authorization: basic, 'content-type': 'application/x-www-form-urlencoded' }
    const token = await call('oauth/token', { method: 'POST', headers, body })
    assert.equal(token?.status, 401)
    assert.match(token.headers['www-authenticate'] ?? '', /^Basic /)
  })

  it('does not choose the request id that the answer carries', async () => {
    const chosen = await fetch(`${broker.url}/demo/oauth/userinfo`, { headers: { 'x-amzn-RequestId': 'chosen' } })
    assert.notEqual(chosen.headers.get('x-request-id'), 'chosen')
  })

  it('reads no answer of the other routes', async () => {
    assert.equal(await call('oauth/device_authorization', { method: 'POST', body: '' }), undefined)
    assert.equal(await call('activate'), undefined)
    assert.equal(await call('sessions'), undefined)
  })
}
