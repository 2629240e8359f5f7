/**
 * What a failed request to a provider means, and which failures pass by themselves.
 */

import * as oidc from 'openid-client'
import { Unavailable } from '../unavailable.ts'
import type { Failure } from './provider.ts'
import { errorCodeOf, wordsOf } from './words.ts'

/** The least that a caller is told to wait. */
const retryAfterSeconds = 5
const maxRetryAfterSeconds = 300

/**
 * The provider cannot be used. A failure that is no outage lasts until the registry or the provider is mended.
 *
 * @param words for the operator; they must hold nothing of an answer
 */
export function outOfReach(cause: unknown, words = wordsOf(cause)): Unavailable {
  const waitSeconds = Math.max(retryAfterSeconds, toldRetryAfter(cause))
  return new Unavailable('provider', cause, waitSeconds, words, !isOutOfReach(cause))
}

/** RFC 9110 §10.2.3, in whole seconds. A date, which is rare, counts as 0. */
function toldRetryAfter(error: unknown): number {
  const { response, cause } = Object(error) as { response?: unknown; cause?: unknown }
  const answer = [error, response, cause].find((part) => part instanceof Response)
  const told = Number(answer?.headers.get('retry-after'))
  return Number.isFinite(told) ? Math.min(Math.ceil(told), maxRetryAfterSeconds) : 0
}

/** Read from the JSON `error`, whatever the 4xx status. @throws {Unavailable} when the provider is out of reach */
export function failureOf(error: unknown): Failure {
  if (error instanceof Unavailable) throw error
  if (error instanceof oidc.AuthorizationResponseError) return { kind: 'refused', error: error.error }
  if (error instanceof oidc.ResponseBodyError && !isPassing(error.status)) {
    return error.error === 'invalid_grant'
      ? { kind: 'rejected' }
      : { kind: 'unexpected', why: errorCodeOf(error.error) }
  }
  if (isOutOfReach(error)) throw outOfReach(error)
  if (error instanceof oidc.ClientError || error instanceof oidc.WWWAuthenticateChallengeError) {
    return { kind: 'unexpected', why: whyOf(error, error.code ?? error.name) }
  }
  // openid-client throws it for a value of a wrong type in the provider's answer.
  if (error instanceof TypeError && 'code' in error) {
    return { kind: 'unexpected', why: whyOf(error, String(error.code)) }
  }
  throw error
}

function whyOf(error: unknown, code: string): string {
  const words = wordsOf(error)
  return words === undefined ? code : `${words} (${code})`
}

/** A server error, or too many requests (RFC 6585 §4). */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 429
}

/** No connection, a broken one, no answer in time, or an answer of 5xx or 429. */
function isOutOfReach(error: unknown): boolean {
  if (error instanceof oidc.ResponseBodyError) return true
  if (error instanceof Response) return isPassing(error.status)
  if (!(error instanceof Error)) return false
  // `fetch` throws these when there is no connection, and when one breaks during an answer.
  if (error instanceof TypeError) return error.message === 'fetch failed' || error.message === 'terminated'
  return error.name === 'TimeoutError' || isOutOfReach(error.cause)
}
