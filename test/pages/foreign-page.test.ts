/**
 * A page of another site, in Chromium, against the broker's page for user codes: whatever it makes the browser send, nothing
 * is looked up or charged, and the person's own code works.
 *
 * 127.0.0.1 and localhost are different sites to a browser.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page as Tab } from 'playwright-core'
import { type LocalStack, startLocalStack } from '../../local/stack.ts'
import { deviceCode } from '../flows/support/flows.ts'
import { randomUserCode } from '../flows/support/user-code.ts'
import { type Chromium, hasChromium, launchChromium, type Site, serve } from './browser.ts'

if (hasChromium()) describe('a page of another site', fromElsewhere)

/** More than the ten that one browser has. */
const attempts = 12

function fromElsewhere(): void {
  const lines: string[] = []
  let stack: LocalStack
  let stranger: Site
  let browser: Chromium
  let attack = ''
  before(async () => {
    stack = await startLocalStack({ functionLog: (line) => lines.push(line) })
    stranger = await serve((_, response) => response.setHeader('content-type', 'text/html').end(attack))
    browser = await launchChromium()
  })
  after(async () => {
    await browser.close()
    stranger.close()
    await stack.close()
  })

  const activate = () => `${stack.url}/demo/activate`
  const reached = (method: string) =>
    lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line.event === 'request' && line.method === method && String(line.route).endsWith('/activate'))

  /** Opens the stranger's page, waits until its requests have reached the broker, and answers what was looked up. */
  async function visit(tab: Tab, html: string, method: 'GET' | 'POST'): Promise<number> {
    lines.length = 0
    attack = html
    await tab.goto(stranger.origin.replace('127.0.0.1', 'localhost'))
    const deadline = Date.now() + 15_000
    while (reached(method).length < attempts && Date.now() < deadline) await tab.waitForTimeout(25)
    assert.ok(reached(method).length >= attempts, `${reached(method).length} requests reached the broker`)
    return lines.filter((line) => line.includes('user_code.wrong')).length
  }

  /** Ten wrong codes are one browser's allowance, so nine and the right one show that none of it is gone. */
  async function typesCodes(tab: Tab): Promise<void> {
    const { userCode } = await deviceCode(stack)
    for (const code of [...Array.from({ length: 9 }, randomUserCode), userCode]) {
      await tab.goto(activate())
      await tab.fill('#user_code', code)
      await Promise.all([tab.waitForEvent('load'), tab.keyboard.press('Enter')])
    }
    assert.ok(await tab.getByRole('button', { name: 'Decline' }).isVisible(), await tab.innerText('main'))
  }

  const codes = () => JSON.stringify(Array.from({ length: attempts }, randomUserCode))
  const attacks: Record<string, { readonly method: 'GET' | 'POST'; readonly html: () => string }> = {
    'hidden forms': {
      method: 'POST',
      html: () => `<body><script>
        for (const code of ${codes()}) {
          const frame = document.body.appendChild(Object.assign(document.createElement('iframe'), { name: code, hidden: true }))
          const form = document.createElement('form')
          Object.assign(form, { method: 'post', action: ${JSON.stringify(activate())}, target: frame.name })
          form.append(Object.assign(document.createElement('input'), { name: 'user_code', value: code }))
          document.body.append(form)
          form.submit()
        }
      </script>`,
    },
    'requests without CORS': {
      method: 'POST',
      html: () => `<script>
        for (const code of ${codes()}) {
          const body = new URLSearchParams({ user_code: code })
          fetch(${JSON.stringify(activate())}, { method: 'POST', mode: 'no-cors', credentials: 'include', body })
        }
      </script>`,
    },
    'frames, images and prefetches': {
      method: 'GET',
      html: () => `<body><script>
        const urls = ${codes()}.map((code) => ${JSON.stringify(activate())} + '?user_code=' + code)
        for (const src of urls.slice(0, 4)) document.body.append(Object.assign(new Image(), { src }))
        for (const src of urls.slice(4, 8)) document.body.append(Object.assign(document.createElement('iframe'), { src }))
        for (const href of urls.slice(8)) document.head.append(Object.assign(document.createElement('link'), { rel: 'prefetch', href }))
      </script>`,
    },
  }

  it('hidden forms, requests without CORS, frames, images and prefetches spend none of a visitor’s codes', async () => {
    const context = await browser.newContext()
    const tab = await context.newPage()
    for (const hasCookie of [false, true]) {
      if (hasCookie) await tab.goto(activate())
      for (const [name, { method, html }] of Object.entries(attacks)) {
        assert.equal(await visit(tab, html(), method), 0, `${name}, with our cookie: ${hasCookie}`)
      }
    }
    await typesCodes(tab)
    await context.close()
  })

  it('a form that a person sends from another site brings the code along, and asks them to send it themselves', async () => {
    const context = await browser.newContext()
    const tab = await context.newPage()
    const { userCode } = await deviceCode(stack)
    attack = `<form method="post" action="${activate()}"><input name="user_code" value="${userCode}"><button>Go</button></form>`
    await tab.goto(stranger.origin.replace('127.0.0.1', 'localhost'))
    await tab.getByRole('button', { name: 'Go' }).click()
    await tab.waitForURL(activate())
    assert.equal(await tab.inputValue('#user_code'), userCode)
    await tab.getByRole('button', { name: 'Continue' }).click()
    await tab.getByRole('button', { name: 'Decline' }).click()
    assert.match(await tab.innerText('main'), /was not connected/)
    await context.close()
  })
}
