/**
 * authorize: the authorization endpoint (RFC 6749 §4.1.1). It redirects the browser to the provider.
 *
 * It only reads the registration. Until client and redirect URI are verified, errors are shown on a page; from then on they go
 * to the client through the browser (RFC 6749 §4.1.2.1). If an impostor could use the client id, a person confirms first.
 */

import { inLanguage } from '../shared/domain/local-text.ts'
import { isRegisteredRedirect, needsConsent } from '../shared/domain/redirect-uri.ts'
import type { Client } from '../shared/domain/registration.ts'
import { earliestAuthTime } from '../shared/domain/sign-in-age.ts'
import { type Answer, type Call, header } from '../shared/http/call.ts'
import { OAuthError } from '../shared/http/errors.ts'
import type { Parameters } from '../shared/http/parameters.ts'
import { reportFault, uncheckedPageEndpoint } from '../shared/http/stack.ts'
import { confirmClient } from '../shared/pages/confirm-client.ts'
import { type SetupMistake, signInLost, wronglySetUp } from '../shared/pages/problems.ts'
import { providerOf } from '../shared/providers/index.ts'
import type { SignInWishes } from '../shared/providers/provider.ts'
import { errorResponse, type ReturnAddress, unavailableResponse } from '../shared/sign-in/authorization-response.ts'
import {
  type CodeRequest,
  clearCookies,
  pageAnswer,
  readSealedCookie,
  redirect,
  sealInCookie,
} from '../shared/sign-in/browser.ts'
import { requestedAccess } from '../shared/sign-in/consent.ts'
import { newHandle } from '../shared/sign-in/cookies.ts'
import { pageLook } from '../shared/sign-in/look.ts'
import { problemPage } from '../shared/sign-in/page-problems.ts'
import { responseModeIn, signInRequest } from '../shared/sign-in/sign-in-request.ts'
import { Unavailable } from '../shared/unavailable.ts'

/** Longest address at the provider, bytes. Together with the sign-in's cookie it fits API Gateway's 10,240 bytes of headers. */
const maxAddressBytes = 5_000
/** Longest `state` in its encoded form, bytes. The redirect URI and the code need the rest. */
const maxStateBytes = 6_000

export const handler = uncheckedPageEndpoint(async (call) => {
  // OIDC Core §3.1.2.1: a request may be a POST too. Only the form of our own question sends `csrf`.
  const isAnswer = call.event.httpMethod === 'POST' && call.parameters.optional('csrf') !== undefined
  return isAnswer ? answerQuestion(call) : answerRequest(call)
}, problemPage)

// --- the request ----------------------------------------------------------------------------------------------------

async function answerRequest(call: Call): Promise<Answer> {
  const { parameters } = call
  // Without these there is no client to answer.
  parameters.check('client_id', 'redirect_uri', 'response_mode', 'state')
  const recipient = await trustedClient(call, parameters.optional('client_id'), parameters.optional('redirect_uri'))
  if ('kind' in recipient) return mistakePage(call, recipient)
  const { client, redirectUri } = recipient
  const mode = responseModeIn(parameters, redirectUri)
  const to = { issuer: call.issuer, redirectUri, mode, look: pageLook(call), state: stateIn(parameters) }
  return answerErrors(call, to, async () => {
    // RFC 6749 §4.1.2.1: a parameter that is sent twice is an error for the client.
    parameters.check()
    const { request, wishes } = await signInRequest(call, client, to)
    // OIDC Core §3.1.2.6. Otherwise the sign-in would end at the callback, on a page that no frame shows.
    if (wishes.prompt === 'none' && isForeignFrame(call)) {
      throw new OAuthError(
        'login_required',
        'A frame of another site cannot keep the cookie of the sign-in. Open a window of its own.',
      )
    }
    if (!needsConsent(client, redirectUri)) return sendToProvider(call, request, wishes)
    if (wishes.prompt === 'none') {
      throw new OAuthError('interaction_required', 'A person has to confirm this client first.')
    }
    return showQuestion(call, client, request, wishes)
  })
}

/** Whether a browser loads the request into a frame of another site (Fetch Metadata). Our cookies are SameSite=Lax. */
function isForeignFrame({ event }: Call): boolean {
  const isFrame = ['iframe', 'frame'].includes(header(event, 'sec-fetch-dest') ?? '')
  return isFrame && header(event, 'sec-fetch-site') === 'cross-site'
}

/** From here on, errors go back to the client's redirect URI. */
async function answerErrors(call: Call, to: ReturnAddress, attempt: () => Promise<Answer>): Promise<Answer> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof OAuthError) return errorResponse(to, error.error, error.message)
    if (!(error instanceof Unavailable)) throw error
    reportFault(error, call)
    return unavailableResponse(to, error, call.requestId)
  }
}

/** @throws {OAuthError} for a state that is too long to be repeated in the address of the answer */
function stateIn(parameters: Parameters): string | undefined {
  const state = parameters.optional('state')
  if (state !== undefined && String(new URLSearchParams({ state })).length > maxStateBytes) {
    throw new OAuthError('invalid_request', 'state is too long.')
  }
  return state
}

async function trustedClient(
  { parts, application }: Call,
  clientId: string | undefined,
  redirectUri: string | undefined,
): Promise<{ client: Client; redirectUri: string } | SetupMistake> {
  if (clientId === undefined) return { kind: 'client-missing' }
  const client = await parts.registrations.client(application.name, clientId)
  if (client === undefined) return { kind: 'client-unknown', clientId }
  if (redirectUri === undefined) return { kind: 'redirect-missing', clientId }
  if (!isRegisteredRedirect(client, redirectUri)) return { kind: 'redirect-unregistered', clientId, redirectUri }
  return { client, redirectUri }
}

function mistakePage(call: Call, mistake: SetupMistake): Answer {
  return pageAnswer(wronglySetUp({ look: pageLook(call), requestId: call.requestId, mistake }))
}

/** The cookie of an answered question stays: while the provider is slow, a second click must work like the first. */
async function sendToProvider(call: Call, request: CodeRequest, wishes: SignInWishes): Promise<Answer> {
  const state = newHandle(call)
  const { url, secrets } = await providerOf(call.parts, call.application).begin(
    `${call.issuer}/oauth/callback`,
    wishes,
    state,
  )
  const authTimeFrom = earliestAuthTime(wishes, call.now)
  const { language } = pageLook(call)
  const cookies = await sealInCookie(call, 'sign-in', { flow: 'code', ...request, authTimeFrom, language, secrets })
  if (cookies === undefined || url.length > maxAddressBytes) throw tooLong()
  return redirect(url, cookies)
}

function tooLong(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'The request is too long; state, nonce and login_hint are what may be shortened.',
  )
}

// --- the question ---------------------------------------------------------------------------------------------------

/** Otherwise a person who is signed in at the provider would authorize any program that uses this client id (RFC 8252 §8.6). */
async function showQuestion(call: Call, client: Client, request: CodeRequest, wishes: SignInWishes): Promise<Answer> {
  const csrf = newHandle(call)
  const cookies = await sealInCookie(call, 'client-question', { csrf, request, wishes })
  if (cookies === undefined) throw tooLong()
  const look = pageLook(call)
  const providerOrigin = await providerOf(call.parts, call.application).signInOrigin()
  const page = confirmClient({
    look,
    clientName: inLanguage(client.displayName, look.language),
    clientId: client.clientId,
    requested: requestedAccess(call.application, client, request, providerOrigin),
    redirectUri: request.redirectUri,
    action: `${call.issuer}/oauth/authorize`,
    csrf,
    uiLocales: wishes.uiLocales,
    providerOrigin,
  })
  return pageAnswer(page, cookies)
}

/** Only the page that asked can answer: the cookie holds the request, and the form the request's handle. */
async function answerQuestion(call: Call): Promise<Answer> {
  call.parameters.check()
  const question = await readSealedCookie(call, 'client-question', call.parameters.optional('csrf'))
  if (question === undefined) {
    const known = { look: pageLook(call), requestId: call.requestId }
    return pageAnswer(signInLost({ ...known, because: 'stale-form' }))
  }
  const { request, wishes } = question
  // The redirect URI may have been unregistered meanwhile (RFC 6749 §4.1.2.1).
  const recipient = await trustedClient(call, request.clientId, request.redirectUri)
  if ('kind' in recipient) return mistakePage(call, recipient)
  const { redirectUri, responseMode: mode, state } = request
  const to = { issuer: call.issuer, redirectUri, mode, look: pageLook(call), state }
  switch (call.parameters.optional('decision')) {
    case 'approve':
      return answerErrors(call, to, () => sendToProvider(call, request, wishes))
    case 'deny':
      return errorResponse(to, 'access_denied', 'The person declined.', clearCookies(call, question))
    default:
      throw new OAuthError('invalid_request', 'decision must be approve or deny.')
  }
}
