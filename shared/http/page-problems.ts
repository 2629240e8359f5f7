/**
 * What a person reads when something goes wrong.
 *
 * Owns which page stands for which failure. The words are the pages' own.
 */

import type { Failure, SignInResult } from '../providers/provider.ts'
import { Unavailable } from '../unavailable.ts'
import { pageAnswer } from './browser.ts'
import { type Answer, audit, type Call } from './call.ts'
import { OAuthError } from './errors.ts'
import { lookOf } from './look.ts'
import type { Page } from './pages/page.ts'
import {
  badRequest,
  providerRefused,
  providerUnavailable,
  providerUnexpected,
  serverError,
  signInLost,
  unknownApplication,
} from './pages/problems.ts'

/** For `pageEndpoint`: any error as a page. */
export function problemPage(error: Error, call: Partial<Call>): Answer {
  return pageAnswer(pageOf(error, call))
}

function pageOf(error: Error, call: Partial<Call>): Page {
  const known = { look: lookOf(call), requestId: call.requestId ?? '' }
  if (error instanceof OAuthError && call.application === undefined) return unknownApplication(known)
  if (error instanceof OAuthError) return badRequest({ ...known, status: error.status, detail: error.message })
  if (error instanceof Unavailable) return providerUnavailable({ ...known, retryAfterSeconds: error.retryAfterSeconds })
  return serverError(known)
}

/** For a sign-in that ended without a person, where there is no client to tell. */
export function failedSignInPage(call: Call, result: Failure): Page {
  const known = {
    look: lookOf(call),
    requestId: call.requestId,
    enterCodeHref: `${call.issuer}/activate`,
  }
  switch (result.kind) {
    case 'refused':
      return providerRefused({ ...known, error: result.error })
    case 'rejected':
      return signInLost({ ...known, because: 'foreign-session' })
    case 'unexpected':
      return providerUnexpected({ ...known, error: result.why })
  }
}

/**
 * What a provider answered that no standard allows is worth an operator's look.
 *
 * @param clientId whom the person signed in for
 */
export function reportUnexpected(call: Call, clientId: string, result: SignInResult): void {
  if (result.kind !== 'unexpected') return
  audit(call, 'provider.unexpected', { level: 'error', client_id: clientId, reason: result.why })
}
