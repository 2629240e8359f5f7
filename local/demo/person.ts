/**
 * The person of the demo's story, in front of a browser.
 *
 * Owns what they do at each kind of page: the broker's, which asks for a decision, and the provider's, which asks who
 * they are. Must not know in which order the pages come.
 */

import { Browser, type Page } from './browser.ts'

const mostPages = 6

/** Answers whatever page comes next, until one asks nothing; answers that one. */
export async function approve(address: string, userName: string): Promise<Page> {
  const browser = new Browser()
  let page = await browser.open(address)
  for (let pages = 0; pages < mostPages && page.html.includes('<form'); pages += 1) {
    page = await browser.submit(page, answersTo(page, userName))
  }
  return page
}

function answersTo({ html }: Page, userName: string): Record<string, string> {
  if (html.includes('name="login"')) return { login: userName, password: 'correct horse' }
  return html.includes('name="decision"') ? { decision: 'approve' } : {}
}
