/**
 * A script of another origin in a real browser: which routes it may call, and which headers of the answer it can read.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page as Tab } from 'playwright-core'
import { sharedBroker } from '../flows/support/shared-broker.ts'
import { hasChromium, inTab, type Site, serve } from './browser.ts'

type Init = { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string }
type Seen = { readonly status: number; readonly headers: Readonly<Record<string, string | null>> }

const broker = await sharedBroker()
if (hasChromium()) describe('a script of another origin', inBrowser)

function inBrowser(): void {
  let site: Site
  before(async () => {
    site = await serve((_incoming, outgoing) => outgoing.setHeader('content-type', 'text/html').end('<!doctype html>'))
  })
  after(() => site.close())

  /** What the script sees; undefined where the browser keeps the answer from it. */
  const call = (tab: Tab, path: string, init: Init = {}): Promise<Seen | undefined> =>
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

  it('reads why it was refused and under which request id, after a preflight too', () =>
    inTab({}, async (tab) => {
      await tab.goto(site.origin)
      const userinfo = await call(tab, 'oauth/userinfo', { headers: { authorization: 'Bearer wrong' } })
      assert.equal(userinfo?.status, 401)
      assert.match(userinfo.headers['www-authenticate'] ?? '', /^Bearer .*invalid_token/)
      assert.match(userinfo.headers['x-request-id'] ?? '', /./)
      const basic = `Basic ${btoa('basic:wrong')}`
      const body = 'grant_type=refresh_token&refresh_token=x'
      const headers = { authorization: basic, 'content-type': 'application/x-www-form-urlencoded' }
      const token = await call(tab, 'oauth/token', { method: 'POST', headers, body })
      assert.equal(token?.status, 401)
      assert.match(token.headers['www-authenticate'] ?? '', /^Basic /)
    }))

  it('reads no answer of the other routes', () =>
    inTab({}, async (tab) => {
      await tab.goto(site.origin)
      assert.equal(await call(tab, 'oauth/device_authorization', { method: 'POST', body: '' }), undefined)
      assert.equal(await call(tab, 'activate'), undefined)
      assert.equal(await call(tab, 'sessions'), undefined)
    }))

  it('does not choose the request id that the answer carries', async () => {
    const chosen = await fetch(`${broker.url}/demo/oauth/userinfo`, { headers: { 'x-amzn-RequestId': 'chosen' } })
    assert.notEqual(chosen.headers.get('x-request-id'), 'chosen')
  })
}
