/**
 * The error pages: what happened, what to do, and details for developers.
 *
 * No page links to an address that the caller sent, since it would be an open redirector (RFC 9700 §4.11).
 */

import { html } from './html.ts'
import type { Look } from './look.ts'
import { say } from './messages.ts'
import { type Detail, forDevelopers, inWords, type Page, page, picture } from './page.ts'

/** A way out of a problem, on this broker: the page where a code is typed. */
export type WayOut = { readonly href: string; readonly label: string }

/** Any problem: what it is called, what happened, what to do. All plain text, in the reader's language. */
export function problem(input: {
  readonly look: Look
  readonly title: string
  readonly explanation: string
  readonly advice: string
  readonly status: number
  readonly requestId?: string | undefined
  readonly retryAfterSeconds?: number | undefined
  readonly developers?: readonly Detail[] | undefined
  readonly wayOut?: WayOut | undefined
}): Page {
  const { look, wayOut, requestId } = input
  const passes = input.retryAfterSeconds !== undefined
  return page({
    status: input.status,
    title: input.title,
    look,
    retryAfterSeconds: input.retryAfterSeconds,
    main: html`${passes ? picture('clock', 'note') : picture('exclamation', 'bad')}
<h1>${input.title}</h1>
<p role="alert">${input.explanation}</p>
<p>${input.advice}</p>
${wayOut && html`<p><a class="button" href="${wayOut.href}">${wayOut.label}</a></p>`}
${requestId && html`<p class="hint">${say(look, 'page.request')} <code translate="no">${requestId}</code></p>`}
${forDevelopers(look, input.developers ?? [])}`,
  })
}

/** What every problem is told with. */
type Known = {
  readonly look: Look
  readonly requestId?: string | undefined
}

/** Known, and with a way back to the page where a code is typed, where the sign-in belongs to a device. */
type Returning = Known & {
  /** This broker's own `/{application}/activate`. */
  readonly enterCodeHref?: string | undefined
}

/** No such application: the first segment of the path names none. */
export function unknownApplication(input: Known): Page {
  const { look } = input
  return problem({
    ...input,
    status: 404,
    title: say(look, 'unknownApplication.title'),
    explanation: say(look, 'unknownApplication.explanation'),
    advice: say(look, 'unknownApplication.advice'),
    developers: [whatIsWrong('The first segment of the path names no registered application.')],
  })
}

/** A request that cannot be answered. */
export function badRequest(input: Known & { readonly status: number; readonly detail: string }): Page {
  const { look } = input
  return problem({
    ...input,
    title: say(look, 'badRequest.title'),
    explanation: say(look, 'badRequest.explanation'),
    advice: say(look, 'badRequest.advice'),
    developers: [whatIsWrong(input.detail)],
  })
}

/** What makes an authorization request one that must not be answered by a redirect (RFC 6749 §3.1.2.4, §4.1.2.1). */
export type SetupMistake =
  | { readonly kind: 'client-missing' }
  | { readonly kind: 'client-unknown'; readonly clientId: string }
  | { readonly kind: 'redirect-missing'; readonly clientId: string }
  | { readonly kind: 'redirect-unregistered'; readonly clientId: string; readonly redirectUri: string }

/** The application that sent the person here asks in a way that cannot be answered anywhere but here. */
export function wronglySetUp({ mistake, ...input }: Known & { readonly mistake: SetupMistake }): Page {
  const { look } = input
  return problem({
    ...input,
    status: 400,
    title: say(look, 'badRequest.title'),
    explanation: say(look, 'setup.explanation'),
    advice: say(look, 'setup.advice'),
    developers: detailsOf(mistake),
  })
}

/** Why a browser that comes back cannot be matched to a sign-in that it began. */
export type LostSignIn = 'foreign-session' | 'stale-form' | 'code-refused'

/** The browser's own part of the sign-in is missing, too old, or somebody else's (RFC 6749 §10.12, RFC 8628 §5.4). */
export function signInLost(input: Returning & { readonly because: LostSignIn }): Page {
  const { look, enterCodeHref } = input
  return problem({
    ...input,
    status: 400,
    title: say(look, 'lost.title'),
    explanation: say(look, 'lost.explanation'),
    advice: say(look, enterCodeHref ? 'lost.advice.code' : 'lost.advice'),
    developers: [whatIsWrong(lostSignIns[input.because])],
    wayOut: wayTo(enterCodeHref, say(look, 'wayOut.enterCode')),
  })
}

/** How a sign-in ended is not known here any more: it took place in another browser, or long ago. */
export function resultGone(input: Returning): Page {
  const { look } = input
  return problem({
    ...input,
    status: 410,
    title: say(look, 'gone.title'),
    explanation: say(look, 'gone.explanation'),
    advice: say(look, 'gone.advice'),
    wayOut: wayTo(input.enterCodeHref, say(look, 'wayOut.enterCode')),
  })
}

/** The device's code ran out while the person was signing in. */
export function codeExpired(input: Returning): Page {
  const { look } = input
  return problem({
    ...input,
    status: 400,
    title: say(look, 'codeExpired.title'),
    explanation: say(look, 'codeExpired.explanation'),
    advice: say(look, 'codeExpired.advice'),
    wayOut: wayTo(input.enterCodeHref, say(look, 'wayOut.newCode')),
  })
}

/** The device's code was decided on before this sign-in came back: in another window, or by someone else. */
export function codeUsed(input: Returning): Page {
  const { look } = input
  return problem({
    ...input,
    status: 400,
    title: say(look, 'codeUsed.title'),
    explanation: say(look, 'codeUsed.explanation'),
    advice: say(look, 'codeUsed.advice'),
    wayOut: wayTo(input.enterCodeHref, say(look, 'wayOut.newCode')),
  })
}

/**
 * The provider, or the store, is out of reach for now.
 *
 * @property tryAgainHref starts the sign-in once more
 */
export function providerUnavailable(
  input: Known & { readonly retryAfterSeconds: number; readonly tryAgainHref?: string | undefined },
): Page {
  const { look, retryAfterSeconds } = input
  return problem({
    ...input,
    status: 503,
    title: say(look, 'unavailable.title'),
    explanation: say(look, 'unavailable.explanation'),
    advice: say(look, 'unavailable.advice', { time: inWords(look, retryAfterSeconds) }),
    wayOut: wayTo(input.tryAgainHref, say(look, 'wayOut.tryAgain')),
  })
}

/** Sign-in does not work until an operator has mended something, so nobody is told to wait. */
export function needsOperator(input: Known): Page {
  const { look } = input
  return problem({
    ...input,
    status: 503,
    title: say(look, 'unavailable.title'),
    explanation: say(look, 'needsOperator.explanation'),
    advice: say(look, 'needsOperator.advice', { application: look.applicationName ?? '' }),
  })
}

/** The provider said no, or the person did there (RFC 6749 §4.1.2.1 access_denied). */
export function providerRefused(input: Known & { readonly error?: string | undefined }): Page {
  const { look } = input
  return problem({
    look,
    requestId: input.requestId,
    status: 403,
    title: say(look, 'refused.title'),
    explanation: say(look, 'refused.explanation'),
    advice: say(look, 'refused.advice', { application: look.applicationName ?? '' }),
    developers: input.error ? [{ term: 'The provider’s answer', value: input.error }] : [],
  })
}

/** The provider, or somebody in its name, answered with something that cannot be used. 400: the parameters came with the browser. */
export function providerUnexpected(input: Returning & { readonly error?: string | undefined }): Page {
  const { look } = input
  return problem({
    ...input,
    status: 400,
    title: say(look, 'unexpected.title'),
    explanation: say(look, 'unexpected.explanation'),
    advice: say(look, 'unexpected.advice'),
    developers: input.error ? [whatIsWrong(input.error)] : [],
    wayOut: wayTo(input.enterCodeHref, say(look, 'wayOut.enterCode')),
  })
}

/** Our own fault. The request id is what the log is searched by. */
export function serverError({ look, requestId }: { readonly look: Look; readonly requestId: string }): Page {
  return problem({
    look,
    requestId,
    status: 500,
    title: say(look, 'fault.title'),
    explanation: say(look, 'fault.explanation'),
    advice: say(look, 'fault.advice'),
  })
}

const lostSignIns: Readonly<Record<LostSignIn, string>> = {
  'foreign-session': 'The browser sent no cookie of a sign-in that this state belongs to.',
  'stale-form': 'The browser sent no cookie that this form’s csrf value belongs to, or the form has another code.',
  'code-refused':
    'The provider refuses its code (invalid_grant): it was used, has expired, or belongs to another sign-in.',
}

function detailsOf(mistake: SetupMistake): Detail[] {
  switch (mistake.kind) {
    case 'client-missing':
      return [whatIsWrong('The parameter client_id is missing.')]
    case 'client-unknown':
      return [whatIsWrong('No client with this client_id.'), clientLine(mistake.clientId)]
    case 'redirect-missing':
      return [whatIsWrong('The parameter redirect_uri is missing.'), clientLine(mistake.clientId)]
    case 'redirect-unregistered':
      return [
        whatIsWrong('The redirect_uri is not registered for this client. It must match exactly.'),
        clientLine(mistake.clientId),
        { term: 'redirect_uri', value: mistake.redirectUri },
      ]
  }
}

function whatIsWrong(value: string): Detail {
  return { term: 'What is wrong', value }
}

function clientLine(clientId: string): Detail {
  return { term: 'client_id', value: clientId }
}

function wayTo(href: string | undefined, label: string): WayOut | undefined {
  return href === undefined ? undefined : { href, label }
}
