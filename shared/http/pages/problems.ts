/**
 * The pages for everything that can go wrong in front of a person: what happened, what to do now, and folded away what
 * the one who built the client needs to know.
 *
 * Owns their words and statuses. Pure: must not know requests, cookies, the store, providers or the clock. Nothing here
 * links to an address that a caller sent: an error page that does is an open redirector that a person operates
 * (RFC 9700 §4.11).
 */

import { html } from './html.ts'
import { type Detail, forDevelopers, inWords, type Page, page, picture } from './page.ts'

/** A way out of a problem, on this broker: the page where a code is typed. */
export type WayOut = { readonly href: string; readonly label: string }

/** Any problem: what it is called, what happened, what to do. All plain text. */
export function problem(input: {
  readonly applicationName?: string | undefined
  readonly title: string
  readonly explanation: string
  readonly advice: string
  readonly status: number
  readonly requestId?: string | undefined
  readonly retryAfterSeconds?: number | undefined
  readonly developers?: readonly Detail[] | undefined
  readonly wayOut?: WayOut | undefined
}): Page {
  const { wayOut, requestId } = input
  const passes = input.retryAfterSeconds !== undefined
  return page({
    status: input.status,
    title: input.title,
    applicationName: input.applicationName,
    retryAfterSeconds: input.retryAfterSeconds,
    main: html`${passes ? picture('clock', 'note') : picture('exclamation', 'bad')}
<h1>${input.title}</h1>
<p role="alert">${input.explanation}</p>
<p>${input.advice}</p>
${wayOut && html`<p><a class="button" href="${wayOut.href}">${wayOut.label}</a></p>`}
${requestId && html`<p class="hint">If you need help, quote this request: <code translate="no">${requestId}</code></p>`}
${forDevelopers(input.developers ?? [])}`,
  })
}

/** What every problem of a known application is told with. */
type Known = {
  readonly applicationName: string
  readonly requestId?: string | undefined
}

/** Known, and with a way back to the page where a code is typed, where the sign-in belongs to a device. */
type Returning = Known & {
  /** This broker's own `/{application}/activate`. */
  readonly enterCodeHref?: string | undefined
}

/** No such application: the first segment of the path names none. */
export function unknownApplication(input: { readonly requestId?: string | undefined } = {}): Page {
  return problem({
    ...input,
    status: 404,
    title: 'Nothing here',
    explanation: 'There is no sign-in at this address.',
    advice: 'Check the address for a typing mistake, or go back to the app or device that sent you here.',
    developers: [{ term: 'What is wrong', value: 'The first segment of the path names no registered application.' }],
  })
}

/** What makes an authorization request one that must not be answered by a redirect (RFC 6749 §3.1.2.4, §4.1.2.1). */
export type SetupMistake =
  | { readonly kind: 'client-missing' }
  | { readonly kind: 'client-unknown'; readonly clientId: string }
  | { readonly kind: 'redirect-missing'; readonly clientId: string }
  | { readonly kind: 'redirect-unregistered'; readonly clientId: string; readonly redirectUri: string }
  | { readonly kind: 'parameter-repeated'; readonly parameter: string }

/** The application that sent the person here asks in a way that cannot be answered anywhere but here. */
export function wronglySetUp(input: Known & { readonly mistake: SetupMistake }): Page {
  return problem({
    applicationName: input.applicationName,
    requestId: input.requestId,
    status: 400,
    title: 'This link doesn’t work',
    explanation: 'The application that sent you here is not set up correctly.',
    advice: 'You did nothing wrong. Please tell the people who run that application.',
    developers: detailsOf(input.mistake),
  })
}

/** Why a browser that comes back cannot be matched to a sign-in that it began. */
export type LostSignIn = 'no-session' | 'expired-session' | 'foreign-session' | 'stale-form'

/** The browser's own part of the sign-in is missing, too old, or somebody else's (RFC 6749 §10.12, RFC 8628 §5.4). */
export function signInLost(input: Returning & { readonly because: LostSignIn }): Page {
  return problem({
    ...input,
    status: 400,
    title: 'Please start again',
    explanation: `We lost track of your sign-in. It may have ${lostSignIns[input.because].perhaps}.`,
    advice: input.enterCodeHref
      ? 'Nothing was connected. Enter the code on your device once more.'
      : 'Nothing was connected. Go back to the app or device that you came from and sign in from there.',
    developers: [{ term: 'What is wrong', value: lostSignIns[input.because].detail }],
    wayOut: enterCodeAt(input.enterCodeHref, 'Enter the code'),
  })
}

/** The device's code ran out while the person was signing in. */
export function codeExpired(input: Returning): Page {
  return problem({
    ...input,
    status: 400,
    title: 'The code is too old',
    explanation: 'Your sign-in worked, but the code on your device ran out meanwhile.',
    advice: 'Nothing was connected. Ask your device for a new code and enter it here.',
    wayOut: enterCodeAt(input.enterCodeHref, 'Enter a new code'),
  })
}

/** The device's code was decided on before this sign-in came back: in another window, or by someone else. */
export function codeUsed(input: Returning): Page {
  return problem({
    ...input,
    status: 400,
    title: 'The code has been used',
    explanation: 'Someone has already answered for this code, perhaps you in another window.',
    advice: 'Look at your device. If it is still waiting, ask it for a new code and enter it here.',
    wayOut: enterCodeAt(input.enterCodeHref, 'Enter a new code'),
  })
}

type AtProvider = Returning & {
  /** As people know it. Left out: "the sign-in service". */
  readonly providerName?: string | undefined
}

/** The provider, or the store, is out of reach for now. */
export function providerUnavailable(input: AtProvider & { readonly retryAfterSeconds: number }): Page {
  return problem({
    ...input,
    status: 503,
    title: 'Sign-in is not available',
    explanation: `We cannot reach ${input.providerName ?? 'the sign-in service'} at the moment.`,
    advice: `Nothing is lost. Wait ${inWords(input.retryAfterSeconds)} and try again.`,
    wayOut: enterCodeAt(input.enterCodeHref, 'Enter the code again'),
  })
}

/** The provider said no, or the person did there (RFC 6749 §4.1.2.1 access_denied). */
export function providerRefused(input: AtProvider & { readonly error?: string | undefined }): Page {
  return problem({
    ...input,
    status: 403,
    title: 'You were not signed in',
    explanation: `The sign-in was stopped, or ${input.providerName ?? 'the sign-in service'} did not let you in.`,
    advice: `If you stopped it, close this window. If not, ask the people who run ${input.applicationName} for access.`,
    developers: input.error ? [{ term: 'The provider’s answer', value: input.error }] : [],
    wayOut: undefined,
  })
}

/**
 * The provider, or somebody in its name, answered with something that cannot be used.
 *
 * 400, since the parameters came with the browser; 503 where `retryAfterSeconds` says that trying again may help.
 */
export function providerUnexpected(
  input: AtProvider & { readonly retryAfterSeconds?: number | undefined; readonly error?: string | undefined },
): Page {
  const { retryAfterSeconds } = input
  return problem({
    ...input,
    status: retryAfterSeconds === undefined ? 400 : 503,
    title: 'Sign-in did not work',
    explanation: `The answer from ${input.providerName ?? 'the sign-in service'} was not what we expected.`,
    advice:
      retryAfterSeconds === undefined
        ? 'Nothing was connected. Go back to where you came from and start again.'
        : `Nothing was connected. Wait ${inWords(retryAfterSeconds)} and start again.`,
    developers: input.error ? [{ term: 'What is wrong', value: input.error }] : [],
    wayOut: enterCodeAt(input.enterCodeHref, 'Enter the code again'),
  })
}

/** Our own fault. The request id is what the log is searched by. */
export function serverError(input: {
  readonly applicationName?: string | undefined
  readonly requestId: string
}): Page {
  return problem({
    applicationName: input.applicationName,
    status: 500,
    title: 'Something went wrong',
    explanation: 'That was our mistake, not yours.',
    advice: 'Please try again. If it happens once more, ask for help.',
    requestId: input.requestId,
  })
}

const elsewhere = 'taken too long, or started in another window or browser'
const lostSignIns: Readonly<Record<LostSignIn, { readonly perhaps: string; readonly detail: string }>> = {
  'no-session': {
    perhaps: `${elsewhere}, or your browser may be set to keep no cookies`,
    detail: 'The browser sent no session cookie with this request.',
  },
  'expired-session': { perhaps: elsewhere, detail: 'The session cookie is past its lifetime.' },
  'foreign-session': { perhaps: elsewhere, detail: 'The state does not belong to the session of this browser.' },
  'stale-form': { perhaps: elsewhere, detail: 'The form’s csrf value does not belong to the session of this browser.' },
}

function detailsOf(mistake: SetupMistake): Detail[] {
  switch (mistake.kind) {
    case 'client-missing':
      return [{ term: 'What is wrong', value: 'The parameter client_id is missing.' }]
    case 'client-unknown':
      return [{ term: 'What is wrong', value: 'No client with this client_id.' }, clientLine(mistake.clientId)]
    case 'redirect-missing':
      return [{ term: 'What is wrong', value: 'The parameter redirect_uri is missing.' }, clientLine(mistake.clientId)]
    case 'redirect-unregistered':
      return [
        { term: 'What is wrong', value: 'The redirect_uri is not registered for this client. It must match exactly.' },
        clientLine(mistake.clientId),
        { term: 'redirect_uri', value: mistake.redirectUri },
      ]
    case 'parameter-repeated':
      return [{ term: 'What is wrong', value: `The parameter ${mistake.parameter} stands there more than once.` }]
  }
}

function clientLine(clientId: string): Detail {
  return { term: 'client_id', value: clientId }
}

function enterCodeAt(href: string | undefined, label: string): WayOut | undefined {
  return href === undefined ? undefined : { href, label }
}
