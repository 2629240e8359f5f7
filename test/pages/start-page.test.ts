/**
 * The start page of the local stack: what it shows, live, and to whom it shows nothing.
 */

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { call, str } from '../../local/demo/program.ts'
import { type LocalStack, startLocalStack } from '../../local/stack.ts'
import { complaintsIn, hasChromium, inTab, serve } from './browser.ts'

const skip = hasChromium() ? false : 'there is no Chromium'
let stack: LocalStack
before(async () => {
  stack = await startLocalStack({ functionLog: () => {} })
})
after(async () => {
  await stack.close()
})

type Answer = { readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly text: string }

function ask(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(`${stack.localUrl}${path}`, { headers, agent: false }, async (answer) => {
      const text = await answer.setEncoding('utf8').reduce((all: string, chunk: string) => all + chunk, '')
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text })
    })
      .on('error', reject)
      .end()
  })
}

const start = () => call(`${stack.localUrl}/demo/oauth/device_authorization`, { client_id: 'cli' })

test('each link of the page leads to something, and each application stands there', async () => {
  const { status, text } = await ask('/')
  assert.equal(status, 200)
  const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => href)
  assert.ok(links.length >= stack.registry.applications.length)
  for (const link of links) assert.equal((await fetch(link)).status, 200, link)
  for (const { name } of stack.registry.applications) assert.ok(text.includes(`<code>${name}</code>`), name)
})

test('neither the page nor the activity holds a client’s secret or a code', async () => {
  const started = await start()
  const { text } = await ask('/activity')
  assert.match(text, /session\.|device_authorization/)
  for (const secret of [str(started, 'device_code'), str(started, 'user_code')]) assert.ok(!text.includes(secret))
  assert.doesNotMatch((await ask('/')).text, /web-secret|api-secret/)
})

test('what a caller writes into the log is shown as text', async () => {
  await call(`${stack.localUrl}/demo/oauth/device_authorization`, { client_id: '<script>alert(1)</script>' })
  assert.doesNotMatch((await ask('/activity')).text, /<script/)
})

for (const path of ['/', '/activity']) {
  test(`${path} is there under this machine's own names, and under no other or through a proxy`, async () => {
    const port = new URL(stack.localUrl).port
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) assert.equal((await ask(path, { host })).status, 200)
    const foreign: Record<string, string>[] = [
      { host: `rebound.example:${port}` },
      { host: `127.0.0.1.rebound.example:${port}` },
      { 'x-forwarded-for': '192.0.2.1' },
      { forwarded: 'for=192.0.2.1' },
    ]
    for (const headers of foreign) {
      assert.equal((await ask(path, headers)).status, 404, JSON.stringify(headers))
    }
  })

  test(`${path} lets no script run and no other site read or frame it`, async () => {
    const { headers } = await ask(path, { origin: 'https://elsewhere.example' })
    assert.equal(headers['access-control-allow-origin'], undefined)
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors '(none|self)'/)
    assert.doesNotMatch(String(headers['content-security-policy']), /script-src|unsafe/)
  })
}

test('what happens appears without a script, on a phone as well', { skip }, () =>
  inTab({ javaScriptEnabled: false }, async (tab) => {
    const complaints = complaintsIn(tab)
    await tab.goto(stack.localUrl)
    const lines = tab.frameLocator('iframe').locator('li')
    for (const width of [390, 1280]) {
      await tab.setViewportSize({ width, height: 844 })
      await tab.frameLocator('iframe').locator('body').waitFor()
      const before = await lines.count()
      await start()
      await lines.nth(before).waitFor({ timeout: 8_000 })
    }
    assert.deepEqual(
      complaints.filter((text) => !text.includes('favicon')),
      [],
    )
    // Its frame would go on to reload.
    await tab.goto('about:blank')
  }),
)

test('nothing sticks out of the screen', { skip }, () =>
  inTab({}, async (tab) => {
    await tab.goto(stack.localUrl)
    for (const width of [320, 390, 1280]) {
      await tab.setViewportSize({ width, height: 844 })
      assert.equal(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, String(width))
    }
  }),
)

test('another site can show neither document in a frame', { skip }, async (t) => {
  const frames = ['/', '/activity'].map((path) => `<iframe src="${stack.localUrl}${path}"></iframe>`).join('')
  const site = await serve((_incoming, outgoing) => outgoing.setHeader('content-type', 'text/html').end(frames))
  t.after(site.close)
  await inTab({}, async (tab) => {
    await tab.goto(site.origin)
    for (const frame of tab.frames().slice(1)) assert.doesNotMatch(await frame.content(), /Token Broker|session/)
  })
})
