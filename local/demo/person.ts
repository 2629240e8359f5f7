/**
 * The person in the demo's story, who fills in each form.
 */

import { Browser, type Page } from './browser.ts'

const maxPages = 6

/** Fills in one page after another. @returns the first page without a form */
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
