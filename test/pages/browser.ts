/**
 * A real browser, whose tabs the tests borrow, and small servers for it to visit. Must not know which pages there are, or what is tested.
 */

import { existsSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import { type Browser, chromium, type Page as Tab } from 'playwright-core'

/** Debian's, unless `CHROMIUM_PATH` names another. */
export const chromiumPath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

/** Whether there is a browser to test with. Where there is none, the reason is printed. */
export function hasChromium(): boolean {
  const found = existsSync(chromiumPath)
  if (!found) console.log(`No Chromium at ${chromiumPath} (CHROMIUM_PATH names another): the browser tests do not run.`)
  return found
}

let browser: Promise<Browser> | undefined
const tabs = new Map<boolean, Promise<Tab>>()
after(async () => (await browser)?.close())

type TabOptions = { readonly width?: number; readonly javaScriptEnabled?: boolean }

/**
 * Lends the process's tab with scripts, or the one without: of this width, without cookies and listeners of its last borrower, in the
 * default colour scheme. A new tab costs more than what most tests do in it.
 */
export async function inTab(options: TabOptions, use: (tab: Tab) => Promise<void>): Promise<void> {
  const { width = 390, javaScriptEnabled = true } = options
  const opened = tabs.get(javaScriptEnabled) ?? openTab(javaScriptEnabled)
  tabs.set(javaScriptEnabled, opened)
  const tab = await opened
  await tab.context().clearCookies()
  await tab.setViewportSize({ width, height: 844 })
  await tab.emulateMedia({ colorScheme: null })
  for (const event of ['console', 'pageerror', 'request']) tab.removeAllListeners(event)
  await use(tab)
}

async function openTab(javaScriptEnabled: boolean): Promise<Tab> {
  browser ??= launch()
  // A test may serve pages with a certificate of its own.
  const context = await (await browser).newContext({ javaScriptEnabled, ignoreHTTPSErrors: true })
  return context.newPage()
}

/** What the browser says about the tab's pages from now on: errors, and breaches of their policies. */
export function complaintsIn(tab: Tab): string[] {
  const complaints: string[] = []
  tab.on('console', (message) => complaints.push(message.text()))
  tab.on('pageerror', (error) => complaints.push(error.message))
  return complaints
}

/**
 * Replaces Playwright's own list. The suggestions of the address bar are pages with a process for each context, and a renderer in
 * reserve is seldom used.
 */
const unneeded = [
  ...['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'AimEnabled', 'PreconnectToSearch', 'OptimizationHints'],
  ...['NetworkTimeServiceQuerying', 'MediaRouter', 'HttpsUpgrades', 'HttpsFirstBalancedModeAutoEnable', 'PaintHolding'],
  'SpareRendererForSitePerProcess',
]

function launch(): Promise<Browser> {
  // No sandbox, because a container has no user namespaces to build one from; the pages visited are all our own. The
  // rest keeps the browser from the network and from its own first-run pages.
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  const args = [
    ...['--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet, `--disable-features=${unneeded.join(',')}`],
    // V8's helper threads take more time than they save where every core is busy.
    '--js-flags=--single-threaded',
  ]
  return chromium.launch({ executablePath: chromiumPath, headless: true, args })
}

export type Site = { readonly origin: string; readonly close: () => void }

/** A server on a free port of 127.0.0.1; each has an origin of its own. */
export async function serve(listener: RequestListener): Promise<Site> {
  const server = createServer(listener)
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { origin: `http://127.0.0.1:${port}`, close }
}
