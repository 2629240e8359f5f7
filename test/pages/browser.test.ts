/**
 * The pages as a person meets them, in Chromium: looks, keyboard, screen reader, small screens, the forms' own ways.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import axe from 'axe-core'
import fc from 'fast-check'
import type { Frame, Page as Tab } from 'playwright-core'
import { attributes, html } from '../../shared/pages/html.ts'
import { type Page, page } from '../../shared/pages/page.ts'
import { complaintsIn, hasChromium, inTab } from './browser.ts'
import { everydayWords, everyPage, type Words, wordNames } from './every-page.ts'
import { hostile, survives } from './hostile.ts'
import { type Contrast, describeFocus, type Focus, findOverflow, measureContrast } from './in-page.ts'
import { raiseStage, type Stage } from './stage.ts'

if (hasChromium()) describe('in a browser', inBrowser)

const unbroken = Object.fromEntries(wordNames.map((name) => [name, 'W'.repeat(120)])) as Words
/** Of pages that differ in words alone, one. */
const ofEachKind = [
  ...['enter-code', 'enter-code-unknown', 'confirm', 'confirm-plain', 'client', 'connected', 'too-many-attempts'],
  ...['redirect-unregistered', 'stale-form', 'provider-unavailable', 'result-gone', 'server-error-anywhere'],
]
/** Rules of WCAG 2.2 have to be asked for. */
const runAxe = 'axe.run({ resultTypes: ["violations"], rules: { "target-size": { enabled: true } } })'
const samples = fc.sample(hostile, 300)

function inBrowser(): void {
  let stage: Stage
  before(async () => {
    stage = await raiseStage((provider) => everyPage(everydayWords, provider).set('samples', samplesPage()))
  })
  after(() => stage.close())

  it('under its own policy each page asks for nothing and has its colours: text stands out by 4.5:1, the rest by 3:1', () =>
    inTab({}, async (tab) => {
      const { complaints, requests } = watch(tab)
      const frames = await showEach(tab, everyPage(everydayWords, stage.providerOrigin))
      for (const [colorScheme, ground] of [
        ['light', 'rgb(255, 255, 255)'],
        ['dark', 'rgb(24, 31, 29)'],
      ] as const) {
        await tab.emulateMedia({ colorScheme })
        for (const [name, frame] of frames) {
          assert.equal(await frame.evaluate('getComputedStyle(document.body).backgroundColor'), ground, name)
          const contrast = await frame.evaluate<Contrast[]>(measureContrast)
          assert.ok(contrast.length > 2, name)
          for (const { what, ratio, needed } of contrast) assert.ok(ratio >= needed, `${name}: ${what}: ${ratio}`)
        }
      }
      assert.deepEqual({ complaints, requests }, { complaints: [], requests: [] })
    }))

  it('as it is served, too, a page wears its stylesheet, breaks no rule of its policy, and asks for nothing else', () =>
    inTab({}, async (tab) => {
      const { complaints, requests } = watch(tab)
      const urls = ['confirm', 'confirm-plain'].map(stage.url)
      for (const url of urls) {
        await tab.goto(url)
        const padding = await tab.evaluate('getComputedStyle(document.querySelector(".card")).paddingLeft')
        assert.equal(padding, '20px', url)
      }
      assert.deepEqual({ complaints, requests }, { complaints: [], requests: urls })
    }))

  it('axe finds nothing against WCAG 2.2 or good practice on a page of each kind', () =>
    inTab({}, async (tab) => {
      const pages = everyPage(everydayWords, stage.providerOrigin)
      await tab.goto('about:blank')
      await tab.evaluate(axe.source)
      for (const name of ofEachKind) {
        // It leaves the window as it is, and axe in it.
        await tab.setContent(pages.get(name)!.html)
        const { passes, violations } = await tab.evaluate<axe.AxeResults>(runAxe)
        assert.deepEqual(
          violations.flatMap(({ help, nodes }) => nodes.map(({ html }) => `${help}: ${html}`)),
          [],
          name,
        )
        assert.ok(passes.length > 10, `${name}: ${passes.length} rules hold`)
      }
    }))

  it('nothing sticks out of a phone of 390 or 320 px, however long and unbroken the words', () =>
    inTab({}, async (tab) => {
      const frames = await showEach(tab, everyPage(unbroken, stage.providerOrigin))
      for (const width of [390, 320]) {
        await tab.evaluate(`for (const frame of document.querySelectorAll('iframe')) frame.width = ${width}`)
        for (const [name, frame] of frames) {
          assert.deepEqual(await frame.evaluate<string[]>(findOverflow), [], `${name} at ${width} px`)
        }
      }
    }))

  it('the keyboard goes through each page in the order of reading, and shows where it is', async () => {
    await inTab({}, async (tab) => {
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
    await inTab({}, async (tab) => {
      await tab.goto(stage.url('confirm'))
      assert.equal(await tab.title(), 'Connect Nightly Report? – Harbour Books')
      assert.equal(await heard(tab), confirmAsHeard(new URL(stage.providerOrigin).host))
    })
  })

  it('a screen reader hears what is wrong with a code, and where to mend it', async () => {
    await inTab({}, async (tab) => {
      await tab.goto(stage.url('enter-code-expired'))
      assert.equal(await tab.title(), 'Try the code again – Harbour Books')
      assert.equal(await heard(tab), expiredAsHeard)
    })
  })

  it('without JavaScript a code is typed and sent, once there is one', async () => {
    await inTab({ javaScriptEnabled: false }, async (tab) => {
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
    await inTab({ javaScriptEnabled: false }, async (tab) => {
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
    await inTab({}, async (tab) => {
      stage.leadTo('stranger')
      await tab.goto(stage.url('confirm'))
      const complaint = tab.waitForEvent('console')
      await tab.getByRole('button', { name: 'Approve' }).click({ noWaitAfter: true })
      assert.match((await complaint).text(), /violates the following Content Security Policy directive: "form-action/)
      assert.equal(tab.url(), stage.url('confirm'))
    })
  })

  it('without JavaScript the lines for developers unfold', async () => {
    await inTab({ javaScriptEnabled: false }, async (tab) => {
      await tab.goto(stage.url('redirect-unregistered'))
      const redirectUri = tab.getByText(everydayWords.redirectUri)
      assert.equal(await redirectUri.isVisible(), false)
      await tab.getByText('For developers').click()
      assert.equal(await redirectUri.isVisible(), true)
    })
  })

  it('reads every text and attribute back as it was written', async () => {
    await inTab({}, async (tab) => {
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

/** What the browser complains about and requests from now on. */
function watch(tab: Tab): { readonly complaints: string[]; readonly requests: string[] } {
  const requests: string[] = []
  tab.on('request', (request) => requests.push(request.url()))
  return { complaints: complaintsIn(tab), requests }
}

/** Shows pages side by side, each under its policy in a frame as wide as a phone. Visits would cost several times as much. */
async function showEach(tab: Tab, pages: Map<string, Page>): Promise<Map<string, Frame>> {
  const frames = [...pages].map(
    ([name, page]) => html`<iframe name="${name}" width="390" height="844" srcdoc="${underItsPolicy(page)}"></iframe>`,
  )
  await tab.goto('about:blank')
  // Without the colour schemes a frame would be light always.
  await tab.setContent(`<!doctype html><meta name="color-scheme" content="light dark">${html`${frames}`}`)
  return new Map([...pages.keys()].map((name) => [name, tab.frame({ name }) ?? assert.fail(`${name} is not shown`)]))
}

/** HTML §4.2.5.3: an element can hold all of a policy but who may frame the page. */
function underItsPolicy({ headers, html }: Page): string {
  const policy = headers['content-security-policy']?.replace(/; frame-ancestors [^;]*/, '') ?? ''
  return html.replace('<head>', `<head><meta http-equiv="content-security-policy" content="${policy}">`)
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
