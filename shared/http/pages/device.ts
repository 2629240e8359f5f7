/**
 * The pages on which a person lets a device in: type the code, confirm, done, denied, too many tries (RFC 8628 §3.3).
 *
 * Owns their words and their forms' fields. Pure: must not know requests, cookies, the store or the clock.
 */

import { type Asked, consentDetails, consentList } from './consent.ts'
import { attributes, html } from './html.ts'
import type { Look } from './look.ts'
import { forDevelopers, inWords, originSource, type Page, page, picture } from './page.ts'

/** Why a typed code leads nowhere. */
export type CodeProblem = 'unknown' | 'used' | 'expired' | 'missing'

const codeProblems: Readonly<Record<CodeProblem, string>> = {
  unknown: 'We don’t know that code. Check it against the one on your device and try again.',
  used: 'That code has been used already. Ask your device for a new one and type that here.',
  expired: 'That code is too old. Ask your device for a new one and type that here.',
  missing: 'Type the code that your device shows.',
}

/** The code to type. 200, or 400 when the last one led nowhere. The form sends `user_code`. */
export function enterCode(input: {
  readonly applicationName: string
  /** Where the form goes: this broker's own `/{application}/activate`. */
  readonly action: string
  readonly problem?: CodeProblem | undefined
  /** What was typed. It is offered again only where mending it may help. */
  readonly userCode?: string | undefined
}): Page {
  const { problem } = input
  const worthMending = problem === undefined || problem === 'unknown'
  const field = attributes({
    value: worthMending ? input.userCode : undefined,
    'aria-invalid': problem && 'true',
    'aria-describedby': problem ? 'problem hint' : 'hint',
  })
  return page({
    status: problem ? 400 : 200,
    title: problem ? 'Try the code again' : 'Enter your code',
    applicationName: input.applicationName,
    formTargets: ["'self'"],
    main: html`<h1>Connect a device</h1>
<p class="lead">Your device shows a short code. Enter it here to go on.</p>
<form method="post" action="${input.action}">
${problem && html`<p class="notice bad" id="problem" role="alert">${codeProblems[problem]}</p>`}
<label for="user_code">Code on your device</label>
<div class="hint" id="hint">Eight letters, like WDJB-MJHT. Small letters are fine, and so is leaving out the dash.</div>
<input class="code" id="user_code" name="user_code" type="text" inputmode="text" autocomplete="off"
 autocapitalize="characters" autocorrect="off" spellcheck="false"
 enterkeyhint="go" translate="no" required autofocus${field}>
<button type="submit">Continue</button>
</form>`,
  })
}

/** The question before the sign-in. The form sends `decision` (`approve` or `deny`), `user_code` and `csrf`. */
export function confirmDevice(input: {
  readonly look: Look
  readonly clientName: string
  readonly clientId: string
  /** As people see it: `XXXX-XXXX`. */
  readonly userCode: string
  readonly asked: Asked
  /** Where the form goes: this broker's own `/{application}/activate`. */
  readonly action: string
  readonly csrf: string
  /** Where approving leads on to. */
  readonly providerOrigin: string
  readonly providerName?: string | undefined
}): Page {
  const { look, asked } = input
  const { applicationName } = look
  const provider = new URL(input.providerOrigin)
  return page({
    status: 200,
    title: `Connect ${input.clientName}?`,
    applicationName,
    formTargets: ["'self'", signInTarget(provider)],
    main: html`<h1>Connect <bdi>${input.clientName}</bdi>?</h1>
<p class="lead">It wants to use <bdi>${applicationName}</bdi> as you.</p>
<div class="compare">
<p id="compare">Your device must show this same code</p>
<p class="code" aria-describedby="compare" translate="no">${input.userCode}</p>
</div>
${consentList(look, asked)}
<p class="notice note">
Go on only if you started this yourself just now: if someone else gave you the code or the link, choose “Deny”.
</p>
<form method="post" action="${input.action}">
<input type="hidden" name="user_code" value="${input.userCode}">
<input type="hidden" name="csrf" value="${input.csrf}">
<button type="submit" name="decision" value="approve">Continue to sign in</button>
<button type="submit" name="decision" value="deny" class="quiet">Deny</button>
</form>
<p class="hint">You will sign in at <bdi translate="no">${input.providerName ?? provider.host}</bdi>.</p>
${forDevelopers(consentDetails(input.clientId, asked))}`,
  })
}

/** The person signed in and the device has its access. */
export function deviceConnected(input: {
  readonly applicationName: string
  readonly clientName: string
  readonly personName?: string | undefined
}): Page {
  const { personName } = input
  return page({
    status: 200,
    title: 'Connected',
    applicationName: input.applicationName,
    main: html`${picture('check', 'good')}
<h1><bdi>${input.clientName}</bdi> is connected</h1>
${personName && html`<p>You are signed in as <strong><bdi>${personName}</bdi></strong>.</p>`}
<p class="lead">You can close this window and go back to your device.</p>`,
  })
}

/** The person said no. */
export function deviceDenied(input: { readonly applicationName: string; readonly clientName: string }): Page {
  return page({
    status: 200,
    title: 'Not connected',
    applicationName: input.applicationName,
    main: html`${picture('cross', 'calm')}
<h1><bdi>${input.clientName}</bdi> was not connected</h1>
<p>You said no, so it gets no access. The code is of no use any more.</p>
<p class="lead">You can close this window.</p>`,
  })
}

/** Too many wrong codes from one address (RFC 8628 §5.1). */
export function tooManyAttempts(input: { readonly applicationName: string; readonly retryAfterSeconds: number }): Page {
  return page({
    status: 429,
    title: 'Too many tries',
    applicationName: input.applicationName,
    retryAfterSeconds: input.retryAfterSeconds,
    main: html`${picture('clock', 'note')}
<h1>Too many tries</h1>
<p role="alert">Several codes in a row were wrong, so we have paused for a while.</p>
<p>
Wait ${inWords(input.retryAfterSeconds)}, then enter the code that your device shows.
If it has become too old by then, ask the device for a new one.
</p>`,
  })
}

/**
 * Chrome holds each redirect of the chain that follows a form against `form-action`, and does nothing at all where one
 * does not fit. A provider may hand the person on to hosts that nobody told us of, a corporate login for example, so with
 * TLS any host will do (docs/decisions/0019).
 */
function signInTarget(provider: URL): string {
  if (provider.protocol === 'https:') return 'https:'
  // A policy has no way to name an IPv6 address.
  return provider.hostname.startsWith('[') ? provider.protocol : originSource(provider.href)
}
