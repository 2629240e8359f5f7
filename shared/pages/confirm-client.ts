/**
 * The question whether a client that could be any program may have a person sign in (RFC 8252 §8.6).
 */

import { consentDetails, consentList, type RequestedAccess } from './consent.ts'
import { formTarget } from './form-targets.ts'
import { type Html, hidden, html } from './html.ts'
import type { Look } from './look.ts'
import { named, say, write } from './messages.ts'
import { forDevelopers, type Page, page } from './page.ts'

/** The form sends `decision` (`approve` or `deny`) and `csrf`. */
export function confirmClient(input: {
  readonly look: Look
  readonly clientName: string
  readonly clientId: string
  readonly requested: RequestedAccess
  /** Where either answer ends. */
  readonly redirectUri: string
  /** Where the form goes: this broker's own `/{application}/oauth/authorize`. */
  readonly action: string
  readonly csrf: string
  readonly uiLocales?: string | undefined
  /** Where approving leads on to. */
  readonly providerOrigin: string
}): Page {
  const { look, requested, redirectUri } = input
  const client = named(input.clientName)
  const provider = address(new URL(input.providerOrigin).host)
  return page({
    status: 200,
    title: say(look, 'client.title', { client: input.clientName }),
    look,
    formTargets: ["'self'", ...new Set([formTarget(input.providerOrigin), ...clientTargets(redirectUri)])],
    main: html`<h1>${write(look, 'client.title', { client })}</h1>
<p class="lead">${write(look, 'client.lead', { client, application: named(look.applicationName ?? '') })}</p>
${consentList(look, requested)}
<p>${returnsTo(look, redirectUri)}</p>
<p class="notice note">${write(look, 'client.warning', { client })}</p>
<form class="decision" method="post" action="${input.action}">
${hidden({ csrf: input.csrf, ui_locales: input.uiLocales })}
<button type="submit" name="decision" value="approve">${say(look, 'question.approve')}</button>
<button type="submit" name="decision" value="deny" class="deny">${say(look, 'question.deny')}</button>
</form>
<p class="hint">${write(look, 'question.next', { provider })}</p>
${forDevelopers(look, [...consentDetails(input.clientId, requested), { term: 'Redirect URI', value: redirectUri }])}`,
  })
}

/**
 * A web client answers with a redirect of its own, to a page that says that the person may close the window, say: where to is
 * for the client to know, and a program on this computer may have no TLS.
 */
function clientTargets(redirectUri: string): readonly string[] {
  const target = formTarget(redirectUri)
  return target.startsWith('http:') ? ['https:', 'http:'] : [target]
}

function returnsTo(look: Look, redirectUri: string): Html {
  const { protocol, host, hostname } = new URL(redirectUri)
  if (protocol !== 'http:' && protocol !== 'https:') return write(look, 'client.toApp', { scheme: address(protocol) })
  const isHere = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
  return write(look, isHere ? 'client.toProgram' : 'client.toSite', { host: address(host) })
}

function address(text: string): Html {
  return html`<bdi translate="no">${text}</bdi>`
}
