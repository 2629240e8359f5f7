/**
 * Why a transition of a family is refused. shared/http/errors.ts maps each kind to one OAuth error. The kind itself goes to the
 * operator's log alone.
 */
export type Refusal =
  /** There is no such family, or it is another application's, or the salt is wrong. */
  | { readonly kind: 'unknown' }
  /** An authentic credential of another client. It changes nothing, and is audited. */
  | { readonly kind: 'foreign-client' }
  /** The person has not decided yet (RFC 8628 §3.5 authorization_pending). */
  | { readonly kind: 'pending' }
  /** The poll came before the interval was over (RFC 8628 §3.5 slow_down). @property pollIntervalMs the interval then */
  | { readonly kind: 'too-early'; readonly pollIntervalMs: number }
  /** The person or the provider denied it (RFC 8628 §3.5 access_denied). */
  | { readonly kind: 'denied' }
  /** The person has already decided. */
  | { readonly kind: 'decided' }
  /** The device code has expired (RFC 8628 §3.5 expired_token). */
  | { readonly kind: 'expired-device-code' }
  /** The authorization code has expired, or the session has passed its idle or absolute limit. */
  | { readonly kind: 'expired' }
  /** An earlier attempt of this call was written, its answer was lost, and another write has followed since. */
  | { readonly kind: 'superseded' }
  /** The family is already revoked: signed out, revoked by ops or the provider, or after reuse. */
  | { readonly kind: 'revoked' }
  /** An authentic credential was exchanged before, and no grace applies: the family must be revoked (RFC 9700 §4.14.2). */
  | { readonly kind: 'reuse'; readonly generation: number }
  /** The redirect_uri differs from that of the authorization request (RFC 6749 §4.1.3). */
  | { readonly kind: 'redirect-mismatch' }
  /** The code_verifier is wrong or missing, or there is no challenge for it to match (RFC 7636 §4.6, RFC 9700 §2.1.1). */
  | { readonly kind: 'verifier-mismatch' }
  /** The request names a `resource` or `audience` that was not granted (RFC 8707 §2.2). */
  | { readonly kind: 'audience-widened' }
  /** The client is no longer registered for an audience of the session. The session works again if it is registered again. */
  | { readonly kind: 'audience-unregistered' }
  /** A refresh requests a scope that was not granted (RFC 6749 §6). */
  | { readonly kind: 'scope-widened' }

export type RefusalKind = Refusal['kind']
