/**
 * The answer to an authorization request, by way of the browser (RFC 6749 §4.1.2, §4.1.2.1; RFC 9207; OAuth 2.0 Form Post
 * Response Mode).
 *
 * Owns its parameters. Only for a redirect URI that has been checked against the client's registration.
 */

import type { Answer } from '../http/call.ts'
import { type OAuthErrorCode, sanitise } from '../http/errors.ts'
import { formPost } from '../pages/form-post.ts'
import type { Look } from '../pages/look.ts'
import type { Unavailable } from '../unavailable.ts'
import { pageAnswer, redirect } from './browser.ts'

export type ResponseMode = 'query' | 'form_post'

/** Where an answer goes and how: the redirect URI, and the client's own state, returned as it came. */
export type ReturnAddress = {
  readonly issuer: string
  readonly redirectUri: string
  readonly mode: ResponseMode
  /** Of the page that posts the answer. */
  readonly look: Look
  readonly state: string | undefined
}

export function codeResponse(to: ReturnAddress, code: string, cookies: readonly string[] = []): Answer {
  return respond(to, { code }, cookies)
}

export function errorResponse(
  to: ReturnAddress,
  error: OAuthErrorCode,
  description: string,
  cookies: readonly string[] = [],
): Answer {
  return respond(to, { error, error_description: description }, cookies)
}

/** RFC 6749 §4.1.2.1. Only an operator can mend a wrong set-up, so the client is not told to try again. */
export function unavailableResponse(
  to: ReturnAddress,
  { needsOperator }: Unavailable,
  requestId: string,
  cookies: readonly string[] = [],
): Answer {
  if (!needsOperator) return errorResponse(to, 'temporarily_unavailable', 'Please try again shortly.', cookies)
  const description = `Sign-in is not set up correctly. Please tell its operator and quote the request ${sanitise(requestId)}.`
  return errorResponse(to, 'server_error', description, cookies)
}

function respond(to: ReturnAddress, parameters: Record<string, string>, cookies: readonly string[]): Answer {
  const query = new URLSearchParams(parameters)
  if (to.state !== undefined) query.set('state', to.state)
  query.set('iss', to.issuer) // RFC 9207 §2
  if (to.mode === 'form_post')
    return pageAnswer(formPost({ look: to.look, action: to.redirectUri, fields: [...query] }), cookies)
  // Appended by hand: URL would rewrite a redirect URI that must be used as it was registered (RFC 6749 §3.1.2).
  return redirect(`${to.redirectUri}${to.redirectUri.includes('?') ? '&' : '?'}${query}`, cookies)
}
