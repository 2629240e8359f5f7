/** The pages of the device flow (RFC 8628 §3.3): enter the code, confirm, connected, denied, too many attempts. */

import { consentDetails, consentList, type RequestedAccess } from './consent.ts'
import { formTarget } from './form-targets.ts'
import { attributes, type Html, hidden, html } from './html.ts'
import type { Look } from './look.ts'
import { named, say, write } from './messages.ts'
import { forDevelopers, inWords, type Page, page, picture } from './page.ts'

/** Why a code leads nowhere. `typed` is shown in the message, and the field is empty. */
export type CodeProblem =
  | { readonly kind: 'missing' | 'used' | 'expired' }
  | { readonly kind: 'unknown' | 'length'; readonly typed: string }
  | { readonly kind: 'alphabet'; readonly typed: string; readonly invalidCharacters: readonly string[] }

/** The code to enter. 200, or 400 when the last one led nowhere. The form sends `user_code`, `csrf` and what it was given. */
export function enterCode(input: {
  readonly look: Look
  /** Where the form goes: this broker's own `/{application}/activate`. */
  readonly action: string
  readonly csrf: string
  readonly uiLocales?: string | undefined
  /** What makes a prefilled code an authentic one. */
  readonly proof?: string | undefined
  readonly problem?: CodeProblem | undefined
  /** A code that an address or another site brought. */
  readonly prefilled?: string | undefined
}): Page {
  const { look, problem, prefilled } = input
  const field = attributes({
    value: prefilled,
    'aria-invalid': problem && 'true',
    'aria-describedby': problem ? 'problem hint' : 'hint',
  })
  return page({
    status: problem ? 400 : 200,
    title: say(look, problem ? 'code.title.again' : 'code.title'),
    look,
    formTargets: ["'self'"],
    main: html`<h1>${say(look, 'code.heading')}</h1>
<p class="lead">${say(look, prefilled ? 'code.lead.prefilled' : 'code.lead')}</p>
<form method="post" action="${input.action}">
${problem && html`<p class="notice bad" id="problem" role="alert">${codeProblem(look, problem)}</p>`}
<label for="user_code">${say(look, 'code.label')}</label>
<div class="hint" id="hint">${say(look, 'code.hint')}</div>
<input class="code" id="user_code" name="user_code" type="text" inputmode="text" autocomplete="off"
 autocapitalize="characters" autocorrect="off" spellcheck="false"
 enterkeyhint="go" translate="no" required autofocus${field}>
${hidden({ csrf: input.csrf, proof: input.proof, ui_locales: input.uiLocales })}
<button type="submit">${say(look, 'code.submit')}</button>
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
  readonly requested: RequestedAccess
  /** From where and when the device asked: people recognise what they began themselves (RFC 10027). */
  readonly startedFrom: string
  readonly startedSecondsAgo: number
  /** Whether this browser is in the same network; undefined where that cannot be told. */
  readonly isSameNetwork: boolean | undefined
  /** Where the form goes: this broker's own `/{application}/activate`. */
  readonly action: string
  readonly csrf: string
  readonly uiLocales?: string | undefined
  /** Where approving leads on to. */
  readonly providerOrigin: string
}): Page {
  const { look, requested, clientName } = input
  const provider = new URL(input.providerOrigin)
  return page({
    status: 200,
    title: say(look, 'question.heading', { client: clientName }),
    look,
    formTargets: ["'self'", formTarget(input.providerOrigin)],
    main: html`<h1>${write(look, 'question.heading', { client: named(clientName) })}</h1>
<p class="lead">${write(look, 'question.lead', { application: named(look.applicationName ?? '') })}</p>
<div class="compare">
<p id="compare">${say(look, 'question.compare')}</p>
<p class="code" aria-describedby="compare" translate="no">${input.userCode}</p>
<dl class="origin">
<dt>${say(look, 'question.when')}</dt><dd>${howLongAgo(look, input.startedSecondsAgo)}</dd>
<dt>${say(look, 'question.where')}</dt><dd><bdi translate="no">${input.startedFrom}</bdi>
${networkHint(look, input.isSameNetwork)}</dd>
</dl>
</div>
${consentList(look, requested)}
<p class="notice note">${say(look, 'question.warning')}</p>
<form class="decision" method="post" action="${input.action}">
${hidden({ user_code: input.userCode, csrf: input.csrf, ui_locales: input.uiLocales })}
<button type="submit" name="decision" value="approve">${say(look, 'question.approve')}</button>
<button type="submit" name="decision" value="deny" class="deny">${say(look, 'question.deny')}</button>
</form>
<p class="hint">${write(look, 'question.next', { provider: html`<bdi translate="no">${provider.host}</bdi>` })}</p>
${forDevelopers(look, consentDetails(input.clientId, requested))}`,
  })
}

/** The person signed in and the device has its access. */
export function deviceConnected(input: {
  readonly look: Look
  readonly clientName: string
  readonly personName?: string | undefined
}): Page {
  const { look, clientName, personName } = input
  return page({
    status: 200,
    title: say(look, 'connected.title'),
    look,
    main: html`${picture('check', 'good')}
<h1>${write(look, 'connected.heading', { client: named(clientName) })}</h1>
${personName && html`<p>${write(look, 'connected.person', { person: html`<strong>${named(personName)}</strong>` })}</p>`}
<p class="lead">${say(look, 'connected.next')}</p>`,
  })
}

/** The person said no. */
export function deviceDenied({ look, clientName }: { readonly look: Look; readonly clientName: string }): Page {
  return page({
    status: 200,
    title: say(look, 'denied.title'),
    look,
    main: html`${picture('cross', 'calm')}
<h1>${write(look, 'denied.heading', { client: named(clientName) })}</h1>
<p>${say(look, 'denied.explanation')}</p>
<p class="lead">${say(look, 'denied.next')}</p>`,
  })
}

/** Too many wrong codes (RFC 8628 §5.1). */
export function tooManyAttempts(input: { readonly look: Look; readonly retryAfterSeconds: number }): Page {
  const { look, retryAfterSeconds } = input
  return page({
    status: 429,
    title: say(look, 'throttled.title'),
    look,
    retryAfterSeconds,
    main: html`${picture('clock', 'note')}
<h1>${say(look, 'throttled.title')}</h1>
<p role="alert">${say(look, 'throttled.explanation')}</p>
<p>${say(look, 'throttled.next', { time: inWords(look, retryAfterSeconds) })}</p>`,
  })
}

const maxTypedLength = 24

function codeProblem(look: Look, problem: CodeProblem): Html {
  switch (problem.kind) {
    case 'unknown':
    case 'length':
      return write(look, `code.${problem.kind}`, { code: typedCode(problem.typed) })
    case 'alphabet': {
      const characters = html`${problem.invalidCharacters.map((character, at) => html`${at > 0 ? ', ' : ''}${named(character)}`)}`
      return write(look, 'code.alphabet', { code: typedCode(problem.typed), characters })
    }
    default:
      return write(look, `code.${problem.kind}`)
  }
}

function typedCode(typed: string): Html {
  const start = [...typed].slice(0, maxTypedLength).join('')
  return html`<strong translate="no">${named(start.length < typed.length ? `${start}…` : start)}</strong>`
}

function networkHint(look: Look, isSame: boolean | undefined): Html | undefined {
  if (isSame === undefined) return undefined
  return html`<small>${say(look, isSame ? 'question.where.same' : 'question.where.other')}</small>`
}

function howLongAgo(look: Look, seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1) return say(look, 'question.when.now')
  return minutes === 1
    ? say(look, 'question.when.minute')
    : say(look, 'question.when.minutes', { count: String(minutes) })
}
