/**
 * The list of what a client requests: the registry's descriptions first, then our own of the standard scopes (OIDC Core
 * §5.4, §11), else the technical name.
 */

import { type Html, html } from './html.ts'
import type { Described, Look } from './look.ts'
import { catalogue, type MessageName, named, say, write } from './messages.ts'
import type { Detail } from './page.ts'

export type RequestedAccess = { readonly scopes: readonly string[]; readonly audiences: readonly string[] }

/** A heading and the list. The ids `scopes` belongs to it. */
export function consentList(look: Look, { scopes, audiences }: RequestedAccess): Html {
  return html`<h2 id="scopes">${say(look, 'consent.heading')}</h2>
<ul class="scopes" aria-labelledby="scopes">
${scopes.map((scope) => scopeItem(look, scope))}
${audiences.map((audience) => audienceItem(look, audience))}
</ul>`
}

/** The technical names, for "For developers". */
export function consentDetails(clientId: string, { scopes, audiences }: RequestedAccess): Detail[] {
  return [
    { term: 'Client', value: clientId },
    { term: 'Scopes', value: scopes.join(' ') },
    { term: 'Audience', value: audiences.join(' ') },
  ]
}

function scopeItem(look: Look, scope: string): Html {
  const described = ownDescription(look.scopes, scope) ?? standardDescription(look, scope)
  return described ? item(described) : html`<li><code class="raw" translate="no">${scope}</code></li>`
}

function audienceItem(look: Look, audience: string): Html {
  const described = ownDescription(look.resources, audience)
  if (described) return item(described)
  return html`<li><span>${write(look, 'consent.audience', { audience: html`<bdi translate="no">${audience}</bdi>` })}</span></li>`
}

function item({ title, detail }: Described): Html {
  return html`<li><span>${named(title)}</span>${detail && html`<small>${named(detail)}</small>`}</li>`
}

/** A scope may be called `constructor`. */
function ownDescription(from: Readonly<Record<string, Described>> | undefined, name: string): Described | undefined {
  return from !== undefined && Object.hasOwn(from, name) ? from[name] : undefined
}

function standardDescription(look: Look, scope: string): Described | undefined {
  const [title, detail] = [`scope.${scope}`, `scope.${scope}.detail`]
  return isMessage(title) && isMessage(detail)
    ? { title: say(look, title as 'scope.openid'), detail: say(look, detail as 'scope.openid.detail') }
    : undefined
}

function isMessage(name: string): name is MessageName {
  return Object.hasOwn(catalogue.en, name)
}
