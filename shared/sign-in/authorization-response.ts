/** The response to an authorization request, through the browser (RFC 6749 §4.1.2, §4.1.2.1; RFC 9207; Form Post Response Mode). */

import type { Answer } from '../http/call.ts'
import { type OAuthErrorCode, sanitise } from '../http/errors.ts'
import { formPost } from '../pages/form-post.ts'
import type { Look } from '../pages/look.ts'
import type { Unavailable } from '../unavailable.ts'
import { pageAnswer, redirect } from './browser.ts'

export type ResponseMode = 'query' | 'form_post'

/** How a client is answered. The redirect URI must have been checked against its registration. */
export type ReturnAddress = {
  readonly issuer: string
  readonly redirectUri: string
  readonly mode: ResponseMode
  /** The look of the page that posts the form. */
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

/** RFC 6749 §4.1.2.1. If only an operator can fix the cause, the client is not told to try again. */
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
  // Appended as text, because URL would normalise the redirect URI, which must stay as registered (RFC 6749 §3.1.2).
  return redirect(`${headerText(to.redirectUri)}${to.redirectUri.includes('?') ? '&' : '?'}${query}`, cookies)
}

/** Encodes what a header cannot hold, as browsers do. Version 0.2 registered redirect URIs with any characters. */
function headerText(uri: string): string {
  return uri.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent)
}
