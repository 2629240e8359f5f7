/**
 * The tenant's pages at /activate: type the code of a device, confirm it, done.
 *
 * Owns their order and markup. Must not know devices. Plain forms, without JavaScript; the package's own need it.
 */

import type { Context, DeviceCode } from 'oidc-provider'
import { attributes, type Html, html } from '../../shared/http/pages/html.ts'
import { page } from '../identity-provider/pages.ts'
import { show } from '../identity-provider/settings.ts'

/** What the address brought along (RFC 8628 §3.3.1), for the page that asks. */
export const broughtCode = 'userCode'

type Mistake = { readonly name: string; readonly userCode?: string }

/** @param mistake what was wrong with the one before */
export async function askForCode(
  context: Context,
  _form: string,
  _told: unknown,
  mistake: Mistake | undefined,
): Promise<void> {
  if (mistake?.name === 'AbortedError') return tellDenied(context)
  const brought = String(context.state[broughtCode] ?? '')
  const known = mistake === undefined && brought !== '' ? await codeOf(context, brought) : undefined
  if (known !== undefined) return confirmPage(context, known, brought)
  const problem = problemWith(mistake, brought)
  if (problem !== undefined) context.status = 400
  const invalid = problem === undefined ? {} : ({ 'aria-invalid': 'true', 'aria-describedby': 'problem' } as const)
  const value = attributes({ value: mistake?.userCode ?? brought, ...invalid })
  const content = html`<h1>Connect a device</h1>
<p class="lead">Type the code that the device shows.</p>
${problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>`}
${form(
  context,
  html`<label for="user_code">Code</label>
<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" autofocus${value}>
<button type="submit">Continue</button>`,
)}`
  show(context, page('Connect a device', content))
}

function problemWith(mistake: Mistake | undefined, brought: string): string | undefined {
  if (mistake === undefined && brought === '') return undefined
  const isAboutCode = mistake === undefined || mistake.userCode !== undefined
  return isAboutCode
    ? 'This code is not known, is used already, or has expired.'
    : 'That did not work. Please type the code.'
}

export async function askToConfirm(context: Context, _form: string, _client: unknown, _info: unknown, code: string) {
  const known = await codeOf(context, code)
  if (known !== undefined) confirmPage(context, known, code)
}

function codeOf({ oidc }: Context, userCode: string): Promise<DeviceCode | undefined> {
  return oidc.provider.DeviceCode.findByUserCode(userCode.replace(/\W/g, '').toUpperCase())
}

function confirmPage(context: Context, { clientId, params }: DeviceCode, userCode: string): void {
  const content = html`<h1>Is this your device?</h1>
<p class="lead">Go on only if the device shows this code:</p>
<p><code>${userCode}</code></p>
<p><strong>${clientId}</strong> asks for <code>${params.scope ?? 'nothing in particular'}</code>${params.audience === undefined ? undefined : html` at <code>${params.audience}</code>`}.</p>
${form(
  context,
  html`<input type="hidden" name="user_code" value="${userCode}">
<button type="submit" name="confirm" value="confirm">Confirm</button>
<button type="submit" class="quiet" name="abort" value="abort">Cancel</button>`,
)}`
  show(context, page('Is this your device?', content))
}

export function tellSuccess(context: Context): void {
  const content = html`<h1>The device is connected</h1>
<p class="lead">You can close this page and go back to it.</p>`
  show(context, page('The device is connected', content))
}

function tellDenied(context: Context): void {
  const content = html`<h1>The device is not connected</h1>
<p class="lead">You said no. You can close this page.</p>`
  show(context, page('The device is not connected', content))
}

/** With the secret that keeps other sites from sending it. */
function form({ oidc }: Context, inside: Html): Html {
  return html`<form method="post" action="${oidc.urlFor('code_verification')}">
<input type="hidden" name="xsrf" value="${oidc.session.state.secret}">
${inside}
</form>`
}
