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
import type { Page } from './pages/page.ts'
import {
  problem,
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

function pageOf(error: Error, { application, requestId = '' }: Partial<Call>): Page {
  const applicationName = application?.displayName
  if (error instanceof OAuthError && application === undefined) return unknownApplication({ requestId })
  if (error instanceof OAuthError) {
    return problem({
      applicationName,
      status: error.status,
      title: 'This link doesn’t work',
      explanation: 'The request was not one that we can answer.',
      advice: 'Go back to the app or device that you came from and start again.',
      requestId,
      developers: [{ term: 'What is wrong', value: error.message }],
    })
  }
  if (error instanceof Unavailable) {
    const { retryAfterSeconds } = error
    return providerUnavailable({ applicationName: applicationName ?? 'Sign-in', retryAfterSeconds, requestId })
  }
  return serverError({ applicationName, requestId })
}

/** For a sign-in that ended without a person, where there is no client to tell. */
export function failedSignInPage(call: Call, result: Failure): Page {
  const known = {
    applicationName: call.application.displayName,
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
