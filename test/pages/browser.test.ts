/**
 * The pages as a person meets them, in Chromium: looks, keyboard, screen reader, small screens, the forms' own ways.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Page as Tab } from 'playwright-core'
import { attributes, html } from '../../shared/pages/html.ts'
import { page } from '../../shared/pages/page.ts'
import { hasChromium } from './browser.ts'
import { everydayWords, everyPage, type Words, wordNames } from './every-page.ts'
import { hostile, survives } from './hostile.ts'
import { type Contrast, describeFocus, type Focus, findOverflow, measureContrast } from './in-page.ts'
import { raiseStage, type Stage } from './stage.ts'

if (hasChromium()) describe('in a browser', inBrowser)

const unbroken = Object.fromEntries(wordNames.map((name) => [name, 'W'.repeat(120)])) as Words
/** What Chromium says of every page with a status of 400 or more, about the page itself. */
const remarkOnStatus = /^Failed to load resource: the server responded with a status of \d+ \([\w ]+\)$/
const samples = fc.sample(hostile, 300)

function inBrowser(): void {
  let stage: Stage
  let names: readonly string[] = []
  let seen: Map<string, Sight>
  before(async () => {
    stage = await raiseStage((provider) => {
      const everyday = everyPage(everydayWords, provider)
      names = [...everyday.keys()]
      return new Map([...everyday, ['samples', samplesPage()]])
    })
    seen = await lookAtEach(stage, names)
  })
  after(() => stage.close())

  it('each page wears its stylesheet, breaks no rule of its own policy, and asks for nothing else', () => {
    for (const [name, { padding, complaints, requests }] of seen) {
      assert.equal(padding, '20px', name)
      assert.deepEqual(complaints, [], name)
      assert.deepEqual(requests, [stage.url(name)], name)
    }
  })

  it('nothing sticks out of a phone of 320 or 390 px, however long and unbroken the words', async () => {
    await stage.inTab({}, async (tab) => {
      await tab.goto('about:blank')
      for (const [name, { html }] of everyPage(unbroken, stage.providerOrigin)) {
        // A navigation would cost ten times as much.
        await tab.setContent(html)
        for (const width of [320, 390]) {
          await tab.setViewportSize({ width, height: 844 })
          assert.deepEqual(await tab.evaluate<string[]>(findOverflow), [], `${name} at ${width} px`)
        }
      }
    })
  })

  it('text stands out by 4.5:1, pictures and outlines by 3:1, in light and dark', () => {
    for (const [name, { contrast, ground }] of seen) {
      assert.deepEqual(ground, { light: 'rgb(255, 255, 255)', dark: 'rgb(24, 31, 29)' }, name)
      assert.ok(contrast.length > 4, name)
      for (const { what, ratio, needed } of contrast) assert.ok(ratio >= needed, `${name}: ${what}: ${ratio}`)
    }
  })

  it('the keyboard goes through each page in the order of reading, and shows where it is', async () => {
    await stage.inTab({}, async (tab) => {
      const orders = {
        'enter-code': ['user_code', 'Continue', 'Help with Harbour Books'],
        'enter-code-unknown': ['user_code', 'Continue'],
        confirm: ['page', 'Approve', 'Decline', 'For developers', 'Help with Harbour Books'],
        'stale-form': ['page', 'Enter the code', 'For developers'],
        connected: ['page', 'Help with Harbour Books'],
      }
      for (const [name, order] of Object.entries(orders)) {
        await tab.goto(stage.url(name))
        assert.deepEqual(await tabThrough(tab, order.length), order, name)
      }
    })
  })

  it('a screen reader hears the question, the code, what for, the warning and both answers', async () => {
    await stage.inTab({}, async (tab) => {
      await tab.goto(stage.url('confirm'))
      assert.equal(await tab.title(), 'Connect Nightly Report? – Harbour Books')
      assert.equal(await heard(tab), confirmAsHeard(new URL(stage.providerOrigin).host))
    })
  })

  it('a screen reader hears what is wrong with a code, and where to mend it', async () => {
    await stage.inTab({}, async (tab) => {
      await tab.goto(stage.url('enter-code-expired'))
      assert.equal(await tab.title(), 'Try the code again – Harbour Books')
      assert.equal(await heard(tab), expiredAsHeard)
    })
  })

  it('without JavaScript a code is typed and sent, once there is one', async () => {
    await stage.inTab({ javaScriptEnabled: false }, async (tab) => {
      stage.forms.length = 0
      stage.leadTo('itself')
      await tab.goto(stage.url('enter-code'))
      await tab.keyboard.press('Enter')
      assert.equal(stage.forms.length, 0)
      await tab.keyboard.type('wdjb mjht')
      await tab.keyboard.press('Enter')
      await tab.waitForURL(stage.url('confirm'))
      assert.deepEqual(stage.forms.map(String), ['user_code=wdjb+mjht&csrf=q2h8-Kd_0'])
    })
  })

  it('without JavaScript the answer goes to the broker, and yes leads on to the provider', async () => {
    await stage.inTab({ javaScriptEnabled: false }, async (tab) => {
      stage.forms.length = 0
      stage.leadTo('provider')
      for (const answer of ['Approve', 'Decline']) {
        await tab.goto(stage.url('confirm'))
        await tab.getByRole('button', { name: answer }).click()
        await tab.waitForURL(`${stage.providerOrigin}/`)
      }
      const sent = { user_code: 'WDJB-MJHT', csrf: 'q2h8-Kd_0' }
      assert.deepEqual(
        stage.forms.map((form) => Object.fromEntries(form)),
        [
          { ...sent, decision: 'approve' },
          { ...sent, decision: 'deny' },
        ],
      )
    })
  })

  it('the form leads to no other site, not even by a redirect', async () => {
    await stage.inTab({}, async (tab) => {
      stage.leadTo('stranger')
      await tab.goto(stage.url('confirm'))
      const complaint = tab.waitForEvent('console')
      await tab.getByRole('button', { name: 'Approve' }).click({ noWaitAfter: true })
      assert.match((await complaint).text(), /violates the following Content Security Policy directive: "form-action/)
      assert.equal(tab.url(), stage.url('confirm'))
    })
  })

  it('without JavaScript the lines for developers unfold', async () => {
    await stage.inTab({ javaScriptEnabled: false }, async (tab) => {
      await tab.goto(stage.url('redirect-unregistered'))
      const redirectUri = tab.getByText(everydayWords.redirectUri)
      assert.equal(await redirectUri.isVisible(), false)
      await tab.getByText('For developers').click()
      assert.equal(await redirectUri.isVisible(), true)
    })
  })

  it('reads every text and attribute back as it was written', async () => {
    await stage.inTab({}, async (tab) => {
      await tab.goto(stage.url('samples'))
      const read = await tab.evaluate<[string, string][]>(
        '[...document.querySelectorAll("main p")].map((p) => [p.textContent, p.title])',
      )
      assert.deepEqual(
        read,
        samples.map((sample) => [survives(sample), survives(sample)]),
      )
    })
  })
}

/** What one visit to a page shows. */
type Sight = {
  readonly padding: string
  readonly complaints: readonly string[]
  readonly requests: readonly string[]
  readonly contrast: readonly Contrast[]
  readonly ground: Readonly<Record<string, string>>
}

/** Visits each page once, since the visit is what takes time. */
async function lookAtEach(stage: Stage, names: readonly string[]): Promise<Map<string, Sight>> {
  const seen = new Map<string, Sight>()
  await stage.inTab({}, async (tab) => {
    let complaints: string[] = []
    let requests: string[] = []
    tab.on('console', (message) => complaints.push(message.text()))
    tab.on('request', (request) => requests.push(request.url()))
    for (const name of names) {
      complaints = []
      requests = []
      await tab.goto(stage.url(name))
      const sight = await look(tab)
      seen.set(name, { ...sight, requests, complaints: complaints.filter((text) => !remarkOnStatus.test(text)) })
    }
  })
  return seen
}

async function look(tab: Tab): Promise<Omit<Sight, 'complaints' | 'requests'>> {
  const contrast: Contrast[] = []
  const ground: Record<string, string> = {}
  for (const colorScheme of ['light', 'dark'] as const) {
    await tab.emulateMedia({ colorScheme })
    contrast.push(...(await tab.evaluate<Contrast[]>(measureContrast)))
    ground[colorScheme] = await tab.evaluate<string>('getComputedStyle(document.body).backgroundColor')
  }
  await tab.emulateMedia({ colorScheme: null })
  const padding = await tab.evaluate<string>('getComputedStyle(document.querySelector(".card")).paddingLeft')
  return { padding, contrast, ground }
}

function samplesPage() {
  const lines = samples.map((sample) => html`<p${attributes({ title: sample })}>${sample}</p>`)
  return page({ status: 200, title: 'Samples', look: { language: 'en' }, main: html`<h1>Samples</h1>${lines}` })
}

/** What has the focus at first, and then after each Tab; each but the page itself with an outline that is seen. */
async function tabThrough(tab: Tab, stops: number): Promise<string[]> {
  const order: string[] = []
  for (let stop = 0; stop < stops; stop += 1) {
    if (stop > 0) await tab.keyboard.press('Tab')
    const { what, outlinePixels, ratio, inView } = await tab.evaluate<Focus>(describeFocus)
    order.push(what)
    if (what === 'page') continue
    assert.ok(inView, `${what} is in view`)
    assert.ok(outlinePixels >= 2, `${what} has an outline of ${outlinePixels} px`)
    assert.ok(ratio >= 3, `the outline of ${what} stands out by ${ratio}`)
  }
  return order
}

/** The page as its roles and names, which is what a screen reader has of it. */
async function heard(tab: Tab): Promise<string> {
  return `\n${await tab.locator('body').ariaSnapshot()}`
}

const confirmAsHeard = (provider: string) => `
- banner: Harbour Books
- main:
  - heading "Connect Nightly Report?" [level=1]
  - paragraph: It wants to use Harbour Books as you.
  - paragraph: Your device must show this same code
  - paragraph: WDJB-MJHT
  - term: Started
  - definition: 2 minutes ago
  - term: From
  - definition: "203.0.113.7 Not the network that you are on: expect that of a server, or when you use mobile data."
  - heading "It will be able to" [level=2]
  - list "It will be able to":
    - listitem: Know who you are It learns the identifier of your account.
    - listitem: See your name and profile Your name and other details of your profile.
    - listitem: See your email address And whether it has been verified.
    - listitem: Stay connected while you are away It need not ask you again until the access ends or is taken back.
    - listitem: Read your reports All reports of your branch, and nothing else.
    - listitem:
      - code: reports:write
    - listitem: Use https://api.example.test as you
  - paragraph: Approve only if you started this yourself just now. If someone else gave you the code or the link, decline.
  - button "Approve"
  - button "Decline"
  - paragraph: If you approve, you sign in at ${provider} next.
  - group: For developers
- contentinfo:
  - link "Help with Harbour Books":
    - /url: https://help.example.test/?topic=devices`

const expiredAsHeard = `
- banner: Harbour Books
- main:
  - heading "Connect a device" [level=1]
  - paragraph: Your device shows a short code. Enter it here to go on.
  - alert: That code is too old. Ask your device for a new one and enter it here.
  - text: Code on your device Eight letters, like WDJB-MJHT. Small letters are fine, and so is leaving out the dash.
  - textbox "Code on your device" [invalid]
  - button "Continue"
- contentinfo:
  - link "Help with Harbour Books":
    - /url: https://help.example.test/?topic=devices`
