/**
 * What it means that a request to a provider failed, whatever was asked: a sign-in, fresh tokens, their end, its device flow.
 *
 * Owns which failures pass by themselves, and how long a caller is told to wait. Must not know what follows for whom.
 */

import * as oidc from 'openid-client'
import { Unavailable } from '../unavailable.ts'
import type { Failure } from './provider.ts'
import { errorCodeOf, wordsOf } from './words.ts'

/** What a caller is told while the provider is out of reach. */
const retryAfterSeconds = 5
const longestRetryAfterSeconds = 300

/**
 * For any failure to find out what the provider is, too: one that is no outage stays until the registry, or the provider, is mended.
 *
 * @param words for the operator, who is told why; they must hold nothing of an answer
 */
export function outOfReach(cause: unknown, words = wordsOf(cause)): Unavailable {
  const waitSeconds = Math.max(retryAfterSeconds, toldRetryAfter(cause))
  return new Unavailable('provider', cause, waitSeconds, words, !isOutOfReach(cause))
}

/** RFC 9110 §10.2.3, as whole seconds, for it is passed on; a date is rare enough to be taken for nothing. */
function toldRetryAfter(error: unknown): number {
  const { response, cause } = Object(error) as { response?: unknown; cause?: unknown }
  const answer = [error, response, cause].find((part) => part instanceof Response)
  const told = Number(answer?.headers.get('retry-after'))
  return Number.isFinite(told) ? Math.min(Math.ceil(told), longestRetryAfterSeconds) : 0
}

/** By the `error` of the answer, whatever the 4xx status. @throws {Unavailable} when there is none, or only for now */
export function failureOf(error: unknown): Failure {
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
  // What openid-client throws when a value in the provider's answer is of a type that it cannot have.
  if (error instanceof TypeError && 'code' in error) {
    return { kind: 'unexpected', why: whyOf(error, String(error.code)) }
  }
  throw error
}

function whyOf(error: unknown, code: string): string {
  const words = wordsOf(error)
  return words === undefined ? code : `${words} (${code})`
}

/** A server in trouble, or one that has had too many requests (RFC 6585 §4), will answer later. */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 429
}

/** No connection, one that broke off, no answer in time, or an answer that says so. */
function isOutOfReach(error: unknown): boolean {
  if (error instanceof oidc.ResponseBodyError) return true
  if (error instanceof Response) return isPassing(error.status)
  if (!(error instanceof Error)) return false
  // What fetch throws when there is no connection, and when one breaks off in the middle of an answer.
  if (error instanceof TypeError) return error.message === 'fetch failed' || error.message === 'terminated'
  return error.name === 'TimeoutError' || isOutOfReach(error.cause)
}
