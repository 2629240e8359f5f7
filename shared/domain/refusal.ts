/**
 * Every expected "no" of a family's transition, as a value.
 *
 * Owns the union. Must not know HTTP: shared/http/errors.ts turns each into one OAuth error, in one exhaustive switch.
 * The detail is for the operator's log; a caller sees only the error it maps to.
 */
export type Refusal =
  /** No such family, another application's, or a salt that is not its own. */
  | { readonly kind: 'unknown' }
  /** Authentic, but issued to another client. Touches nothing; audited. */
  | { readonly kind: 'foreign-client' }
  /** The person has not decided yet (RFC 8628 §3.5 authorization_pending). */
  | { readonly kind: 'pending' }
  /** Polled before the interval was over (RFC 8628 §3.5 slow_down); `pollIntervalMs` as it was at that moment. */
  | { readonly kind: 'too-early'; readonly pollIntervalMs: number }
  /** The person, or the provider, said no (RFC 8628 §3.5 access_denied). */
  | { readonly kind: 'denied' }
  /** The person has decided already, so there is nothing left to decide. */
  | { readonly kind: 'decided' }
  /** A device code past its lifetime (RFC 8628 §3.5 expired_token). */
  | { readonly kind: 'expired-device-code' }
  /** An authorization code past its lifetime, or a session past its idle or absolute limit. */
  | { readonly kind: 'expired' }
  /** Our own write held, its answer was lost, and the family has moved on since: an earlier try of this very call won. */
  | { readonly kind: 'superseded' }
  /** Ended already: signed out, revoked by ops, or killed by an earlier reuse. */
  | { readonly kind: 'revoked' }
  /** An authentic credential that was exchanged before, outside any grace: the family must die. */
  | { readonly kind: 'reuse'; readonly generation: number }
  /** The redirect_uri is not the one of the authorization request (RFC 6749 §4.1.3). */
  | { readonly kind: 'redirect-mismatch' }
  /** The code_verifier is wrong or missing, or there is no challenge for it to match (RFC 7636 §4.6, RFC 9700 §2.1.1). */
  | { readonly kind: 'verifier-mismatch' }
  /** A `resource` or `audience` that was not granted (RFC 8707 §2.2). */
  | { readonly kind: 'audience-widened' }
  /** The session is for an audience that its client may ask for no more. It stays, for when it is registered again. */
  | { readonly kind: 'audience-unregistered' }
  /** A refresh that asks for more than was granted (RFC 6749 §6). */
  | { readonly kind: 'scope-widened' }

export type RefusalKind = Refusal['kind']
