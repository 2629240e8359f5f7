/** The authorization response as a form that submits itself, or on a click without scripts (Form Post Response Mode §2). */

import { createHash } from 'node:crypto'
import { html, scriptElement } from './html.ts'
import type { Look } from './look.ts'
import { say } from './messages.ts'
import { type Page, page } from './page.ts'

const script = 'document.forms[0].submit()'
const scriptHash = createHash('sha256').update(script).digest('base64')

export function formPost(input: {
  readonly look: Look
  /** The client's redirect URI, as it is registered. */
  readonly action: string
  readonly fields: readonly (readonly [string, string])[]
}): Page {
  const { look } = input
  // The client answers the form with a redirect of its own, which may lead anywhere.
  const isSecure = input.action.startsWith('https:')
  return page({
    status: 200,
    title: say(look, 'post.title'),
    look,
    formTargets: isSecure ? ['https:'] : ['https:', 'http:'],
    scriptHash,
    // Clients check where a form comes from, and one in a pop-up speaks to the window that opened it.
    isForOthers: true,
    main: html`<h1>${say(look, 'post.title')}</h1>
<p>${say(look, 'post.explanation')}</p>
<form method="post" action="${input.action}">
${input.fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<button type="submit">${say(look, 'post.submit')}</button>
</form>
${scriptElement(script)}`,
  })
}
