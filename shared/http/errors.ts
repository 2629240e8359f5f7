/** OAuth errors on the wire (RFC 6749 §5.2 and its extensions), and the error that each refusal becomes. */

import type { Refusal } from '../domain/refusal.ts'
import type { Application } from '../domain/registration.ts'

/** Errors that have a JSON body. */
export type JsonErrorCode =
  | 'invalid_request' // RFC 6749 §5.2
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target' // RFC 8707 §2
  | 'authorization_pending' // RFC 8628 §3.5
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'
  | 'unsupported_token_type' // RFC 7009 §2.2.1
  | 'invalid_token' // RFC 6750 §3.1
  | 'insufficient_scope'
  | 'temporarily_unavailable' // RFC 6749 §4.1.2.1
  | 'server_error'
  | 'not_found' // ours, at the routes of ops alone

/** Errors that reach a client only by way of the browser, at its redirect URI. */
export type RedirectErrorCode =
  | 'unsupported_response_type' // RFC 6749 §4.1.2.1
  | 'login_required' // OIDC Core §3.1.2.6
  | 'interaction_required'
  | 'consent_required'
  | 'account_selection_required'
  | 'request_not_supported'
  | 'request_uri_not_supported'

export type OAuthErrorCode = JsonErrorCode | RedirectErrorCode

type Details = {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly reason?: string | undefined
  readonly clientId?: string | undefined
}

/** An answer that says no. Thrown by the edge and the grants, answered by the error middleware, never logged as a fault. */
export class OAuthError extends Error {
  readonly error: OAuthErrorCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** For the operator's log alone. */
  readonly reason: string | undefined
  /** The registered client that it is about, where none has authenticated; for the operator's log alone. */
  readonly clientId: string | undefined

  /** @param description of fixed words: it must never quote what the caller sent */
  constructor(
    error: OAuthErrorCode,
    description: string,
    { status = 400, headers = {}, reason, clientId }: Details = {},
  ) {
    super(description)
    this.name = 'OAuthError'
    this.error = error
    this.status = status
    this.headers = headers
    this.reason = reason
    this.clientId = clientId
  }
}

/** The body of an error answer. */
export function errorBody({ error, message }: OAuthError) {
  return { error, error_description: sanitise(message) }
}

/** RFC 6749 §5.2: error_description is of %x20-21 / %x23-5B / %x5D-7E. */
export function sanitise(description: string): string {
  return description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
}

const auth0Statuses: Readonly<Partial<Record<OAuthErrorCode, number>>> = {
  authorization_pending: 403,
  expired_token: 403,
  access_denied: 403,
  invalid_grant: 403,
  slow_down: 429,
}

/** The status by the application's profile: RFC 6749's own, or the one that clients of Auth0 look for. */
export function statusOf(error: OAuthError, profile: Application['errorProfile'] | undefined): number {
  return (profile === 'auth0' ? auth0Statuses[error.error] : undefined) ?? error.status
}

/** What a refused grant answers. Whoever holds a dead credential learns that it is dead, and not of what it died. */
export function grantError(refusal: Refusal): OAuthError {
  const { kind: reason } = refusal
  switch (reason) {
    case 'unknown':
    case 'foreign-client':
    case 'expired':
    case 'revoked':
    case 'reuse':
    case 'superseded':
      return new OAuthError('invalid_grant', 'Unknown, expired, revoked or already used. Please sign in again.', {
        reason,
      })
    case 'redirect-mismatch':
      return new OAuthError('invalid_grant', 'redirect_uri is not the one of the authorization request.', { reason })
    case 'verifier-mismatch':
      return new OAuthError('invalid_grant', 'code_verifier does not fit the authorization request.', { reason })
    case 'scope-widened':
      return new OAuthError('invalid_scope', 'A refresh can not ask for more than was granted.', { reason })
    case 'audience-widened':
      return new OAuthError('invalid_target', 'resource and audience can not be other than what was granted.', {
        reason,
      })
    case 'audience-unregistered':
      return new OAuthError('invalid_target', 'An audience of this session is no longer registered for this client.', {
        reason,
      })
    case 'pending':
      return new OAuthError('authorization_pending', 'The person has not decided yet. Please poll again.', { reason })
    case 'too-early':
      return new OAuthError('slow_down', 'Polled too early. Please wait five seconds longer from now on.', { reason })
    case 'denied':
      return new OAuthError('access_denied', 'The person declined.', { reason })
    case 'expired-device-code':
      return new OAuthError('expired_token', 'The device code has expired. Please start again.', { reason })
    case 'decided':
      return new OAuthError('invalid_grant', 'The person has decided already.', { reason })
  }
}
