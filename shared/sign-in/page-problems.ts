/** Picks the error page for each failure. */

import { type Answer, audit, type Call, queryOf } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import { reportFault } from '../http/stack.ts'
import type { Page } from '../pages/page.ts'
import {
  badRequest,
  needsOperator,
  providerRefused,
  providerUnavailable,
  providerUnexpected,
  serverError,
  signInLost,
  unknownApplication,
} from '../pages/problems.ts'
import type { Failure, SignInResult } from '../providers/provider.ts'
import { Unavailable } from '../unavailable.ts'
import { pageAnswer } from './browser.ts'
import { activateUrl, completeUrl } from './device-link.ts'
import { pageLook } from './look.ts'

/** For `pageEndpoint`: any error as a page. */
export function problemPage(error: Error, call: Partial<Call>): Answer {
  return pageAnswer(pageOf(error, call))
}

function pageOf(error: Error, call: Partial<Call>): Page {
  const known = { look: pageLook(call), requestId: call.requestId ?? '' }
  if (error instanceof OAuthError && call.application === undefined) return unknownApplication(known)
  if (error instanceof OAuthError) return badRequest({ ...known, status: error.status, detail: error.message })
  if (error instanceof Unavailable) return unavailablePage(call, error, ownHref(call))
  return serverError(known)
}

/**
 * For what a person cannot have now.
 *
 * @param tryAgainHref starts the sign-in once more
 */
function unavailablePage(call: Partial<Call>, error: Unavailable, tryAgainHref?: string): Page {
  const known = { look: pageLook(call), requestId: call.requestId }
  const { retryAfterSeconds } = error
  return error.needsOperator ? needsOperator(known) : providerUnavailable({ ...known, retryAfterSeconds, tryAgainHref })
}

/**
 * Does something on the way of a device's sign-in.
 *
 * @returns where the provider or the store is out of reach, a page that starts again with the same code; the device waits on
 */
export async function orTryAgainPage<Asked>(
  call: Call,
  userCode: string,
  ask: () => Promise<Asked>,
): Promise<Asked | Answer> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    reportFault(error, call)
    return pageAnswer(unavailablePage(call, error, await completeUrl(call, userCode)))
  }
}

/** The address that a browser came by, where opening it once more is all there is to do. */
function ownHref({ event, issuer }: Partial<Call>): string | undefined {
  if (event?.httpMethod !== 'GET' || issuer === undefined) return undefined
  const query = queryOf(event)
  return `${issuer}${event.path.slice(event.path.indexOf('/', 1))}${query && `?${query}`}`
}

/** For a sign-in that ended without a person, where there is no client to tell. */
export function failedSignInPage(call: Call, result: Failure): Page {
  const known = {
    look: pageLook(call),
    requestId: call.requestId,
    enterCodeHref: activateUrl(call),
  }
  switch (result.kind) {
    case 'refused':
      return providerRefused({ ...known, error: result.error })
    case 'rejected':
      return signInLost({ ...known, because: 'code-refused' })
    case 'unexpected':
      // RFC 6749 §5.2: the provider does not know the broker, or not as the registry says.
      if (['invalid_client', 'unauthorized_client'].includes(result.why)) return needsOperator(known)
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
