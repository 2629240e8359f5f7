/**
 * The person of the demo's story: answers each page that asks something.
 */

import { Browser, type Page } from './browser.ts'

const maxPages = 6

/** Answers page after page, and returns the first that asks nothing. */
export async function approve(address: string, userName: string, browser = new Browser()): Promise<Page> {
  let page = await browser.open(address)
  for (let pages = 0; pages < maxPages && page.html.includes('<form'); pages += 1) {
    page = await browser.submit(page, answersTo(page, userName))
  }
  return page
}

function answersTo({ html }: Page, userName: string): Record<string, string> {
  if (html.includes('name="login"')) return { login: userName, password: 'correct horse' }
  // The local provider's own page about a device.
  if (html.includes('name="confirm"')) return { confirm: 'confirm' }
  return html.includes('name="decision"') ? { decision: 'approve' } : {}
}
