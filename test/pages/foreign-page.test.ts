/**
 * A page of another site, in Chromium. Whatever it makes the browser send to the broker's page for user codes, nothing is looked
 * up or charged, and the person's own code works. A hidden frame with `prompt=none` gets an answer.
 *
 * 127.0.0.1 and localhost are different sites to a browser.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page as Tab } from 'playwright-core'
import { type LocalStack, startLocalStack } from '../../local/stack.ts'
import { web } from '../flows/support/callers.ts'
import { authorizeUrl, callbackUri } from '../flows/support/endpoints.ts'
import { deviceCode } from '../flows/support/flows.ts'
import { randomUserCode } from '../flows/support/user-code.ts'
import { hasChromium, inTab, type Site, serve } from './browser.ts'

if (hasChromium()) describe('a page of another site', fromElsewhere)

function fromElsewhere(): void {
  const lines: string[] = []
  let stack: LocalStack
  let stranger: Site
  let attack = ''
  before(async () => {
    stack = await startLocalStack({ functionLog: (line) => lines.push(line) })
    stranger = await serve((_, response) => response.setHeader('content-type', 'text/html').end(attack))
  })
  after(async () => {
    stranger.close()
    await stack.close()
  })

  const activate = () => `${stack.url}/demo/activate`
  const reached = (method: string) =>
    lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line.event === 'request' && line.method === method && String(line.route).endsWith('/activate'))
      .length

  /** Opens the stranger's page, and waits until so many requests of it have reached the broker. */
  async function visit(tab: Tab, gets: number, posts: number): Promise<void> {
    lines.length = 0
    await tab.goto(stranger.origin.replace('127.0.0.1', 'localhost'))
    const haveCome = () => reached('GET') >= gets && reached('POST') >= posts
    const deadline = Date.now() + 15_000
    while (!haveCome() && Date.now() < deadline) await tab.waitForTimeout(25)
    assert.ok(haveCome(), `${reached('GET')} GETs and ${reached('POST')} POSTs reached the broker`)
  }

  /** Ten wrong codes are one browser's allowance, so nine and the right one show that none of it is gone. */
  async function typesCodes(tab: Tab): Promise<void> {
    const { userCode } = await deviceCode(stack)
    await tab.goto(activate())
    for (const code of [...Array.from({ length: 9 }, randomUserCode), userCode]) {
      await tab.fill('#user_code', code)
      await Promise.all([tab.waitForEvent('load'), tab.keyboard.press('Enter')])
    }
    assert.ok(await tab.getByRole('button', { name: 'Decline' }).isVisible(), await tab.innerText('main'))
  }

  /** One code in each way that a page can make a browser send it. */
  const everyAttack = () => {
    const addressed = (from: string) => `${activate()}?${new URLSearchParams({ user_code: randomUserCode(), from })}`
    return `<link rel="prefetch" href="${addressed('prefetch')}">
    <img src="${addressed('image')}">
    <iframe src="${addressed('frame')}"></iframe>
    <iframe name="hidden" hidden></iframe>
    <form method="post" action="${activate()}" target="hidden"><input name="user_code" value="${randomUserCode()}"></form>
    <script>
      document.forms[0].submit()
      const body = new URLSearchParams({ user_code: '${randomUserCode()}' })
      fetch('${activate()}', { method: 'POST', mode: 'no-cors', credentials: 'include', body })
    </script>`
  }

  it('a hidden form, a request without CORS, a frame, an image and a prefetch spend none of a visitor’s codes', () =>
    inTab({}, async (tab) => {
      for (const hasCookie of [false, true]) {
        if (hasCookie) await tab.goto(activate())
        attack = everyAttack()
        await visit(tab, 3, 2)
        const lookedUp = lines.filter((line) => line.includes('user_code.wrong'))
        assert.deepEqual(lookedUp, [], `with our cookie: ${hasCookie}`)
      }
      await typesCodes(tab)
    }))

  it('a form that a person sends from another site brings the code along, and asks them to send it themselves', () =>
    inTab({}, async (tab) => {
      const { userCode } = await deviceCode(stack)
      attack = `<form method="post" action="${activate()}"><input name="user_code" value="${userCode}"><button>Go</button></form>`
      await tab.goto(stranger.origin.replace('127.0.0.1', 'localhost'))
      await tab.getByRole('button', { name: 'Go' }).click()
      await tab.waitForURL(activate())
      assert.equal(await tab.inputValue('#user_code'), userCode)
      await tab.getByRole('button', { name: 'Continue' }).click()
      await tab.getByRole('button', { name: 'Decline' }).click()
      assert.match(await tab.innerText('main'), /was not connected/)
    }))

  it('C31 a hidden frame with prompt=none brings login_required back to its client', () =>
    inTab({}, async (tab) => {
      const url = authorizeUrl(stack, web, { prompt: 'none', state: 'st' })
      attack = `<iframe hidden src="${url.replaceAll('&', '&amp;')}"></iframe>`
      const returned = tab.waitForRequest((request) => request.url().startsWith(callbackUri))
      await tab.goto(stranger.origin.replace('127.0.0.1', 'localhost'))
      const { searchParams } = new URL((await returned).url())
      assert.deepEqual([searchParams.get('error'), searchParams.get('state')], ['login_required', 'st'])
    }))
}
