/**
 * What the broker asks of an identity provider, whatever kind it is.
 *
 * Owns the interface. Must not know families, clients or pages: a provider turns a browser away and back into a person.
 */

import type { Person } from '../domain/family.ts'

/** What a client asked of the sign-in and the provider is to honour (OIDC Core §3.1.2.1). */
export type SignInWishes = {
  readonly prompt?: string | undefined
  readonly maxAgeSeconds?: number | undefined
  readonly loginHint?: string | undefined
}

/** What must come back with the browser; sealed into its cookie meanwhile. */
export type SignInSecrets = {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly maxAgeSeconds?: number | undefined
}

/** How a sign-in ended at the provider. */
export type SignInResult =
  | { readonly kind: 'signed-in'; readonly person: Person }
  /** The provider, or the person there, said no; `error` as OIDC Core §3.1.2.6 names it. */
  | { readonly kind: 'refused'; readonly error: string }
  /** The code that came back is none that this provider gave for this sign-in. */
  | { readonly kind: 'rejected' }
  /** An answer that no standard allows, or an ID token that does not hold. `why` is for the operator. */
  | { readonly kind: 'unexpected'; readonly why: string }

export type Provider = {
  /** Origin of the page where people sign in. @throws {Unavailable} */
  signInOrigin(): Promise<string>
  /** Where to send the browser. @throws {Unavailable} */
  begin(redirectUri: string, wishes: SignInWishes): Promise<{ readonly url: string; readonly secrets: SignInSecrets }>
  /**
   * Turns the parameters that the browser came back with into a person.
   *
   * @param callback the redirect URI with the query it was called with
   * @param claims names of the claims that are wanted, `sub` apart
   * @throws {Unavailable}
   */
  finish(callback: URL, secrets: SignInSecrets, claims: readonly string[]): Promise<SignInResult>
}
