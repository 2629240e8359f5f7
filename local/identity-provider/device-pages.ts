/**
 * The tenant's pages at /activate: type the code of a device, confirm it, done. They work without JavaScript. Only the
 * package's own page behind `verification_uri_complete` uses it, and shows a button without it.
 */

import type { KoaContextWithOIDC } from 'oidc-provider'
import { attributes, type Html, html } from '../../shared/pages/html.ts'
import { page } from './pages.ts'
import { show } from './provider.ts'

type Problem = Error & { readonly userCode?: string }

/** @param problem with the form that the person submitted before */
export function askForCode(context: KoaContextWithOIDC, _form: string, _answer: unknown, problem?: Problem): void {
  if (problem?.name === 'AbortedError') {
    tell(context, 'The device is not connected', 'You can close this page.')
    return
  }
  const invalid = problem === undefined ? {} : ({ 'aria-invalid': 'true', 'aria-describedby': 'problem' } as const)
  if (problem !== undefined) context.status = 400
  const content = html`<h1>Connect a device</h1>
<p class="lead">Type the code that the device shows.</p>
${problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">This code is unknown, used or expired.</p>`}
${form(
  context,
  html`<label for="user_code">Code</label>
<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" autofocus${attributes({ value: problem?.userCode, ...invalid })}>
<button type="submit">Continue</button>`,
)}`
  show(context, page('Connect a device', content))
}

export async function askToConfirm(
  context: KoaContextWithOIDC,
  _form: string,
  client: { readonly clientId: string },
  _deviceInfo: unknown,
  userCode: string,
): Promise<void> {
  const { scope, audience } = context.oidc.deviceCode?.params ?? {}
  const content = html`<h1>Is this your device?</h1>
<p class="lead">Continue only if the device shows this code:</p>
<p><code>${userCode}</code></p>
<p><strong>${client.clientId}</strong> asks for <code>${String(scope ?? 'no scope')}</code>${audience === undefined ? undefined : html` at <code>${String(audience)}</code>`}.</p>
${form(
  context,
  html`<input type="hidden" name="user_code" value="${userCode}">
<button type="submit" name="confirm" value="confirm">Confirm</button>
<button type="submit" class="quiet" name="abort" value="abort">Cancel</button>`,
)}`
  show(context, page('Is this your device?', content))
}

export function tellSuccess(context: KoaContextWithOIDC): void {
  tell(context, 'The device is connected', 'You can close this page and go back to it.')
}

function tell(context: KoaContextWithOIDC, title: string, text: string): void {
  show(
    context,
    page(
      title,
      html`<h1>${title}</h1>
<p class="lead">${text}</p>`,
    ),
  )
}

/** Adds a secret of the browser's session, so that no other site can submit the form. @param inside the fields */
function form({ oidc }: KoaContextWithOIDC, inside: Html): Html {
  return html`<form method="post" action="${oidc.urlFor('code_verification')}">
<input type="hidden" name="xsrf" value="${String(oidc.session?.state?.secret)}">
${inside}
</form>`
}
