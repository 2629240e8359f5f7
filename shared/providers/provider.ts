/**
 * What the broker asks of an identity provider, whatever kind it is.
 *
 * Owns the interface. Must not know families, clients or pages: a provider turns a browser away and back into a person,
 * and keeps that person's tokens there fresh.
 */

import type { Person } from '../domain/family.ts'

/** What a client asked of the sign-in and the provider is to honour (OIDC Core §3.1.2.1). */
export type SignInWishes = {
  readonly prompt?: string | undefined
  readonly maxAgeSeconds?: number | undefined
  readonly loginHint?: string | undefined
  readonly acrValues?: string | undefined
  readonly uiLocales?: string | undefined
}

/** What must come back with the browser; sealed into its cookie meanwhile. */
export type SignInSecrets = {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/** A token answer of the provider (RFC 6749 §5.1), as far as it concerns us. */
export type ProviderTokens = {
  readonly accessToken: string
  /** Absent: there is none, or at a refresh the one that was sent stays good (RFC 6749 §6). */
  readonly refreshToken?: string | undefined
  /** Absent: it does not say. */
  readonly expiresInSeconds?: number | undefined
  /** What the access token carries. Absent: it does not say, and so what was asked for (RFC 6749 §5.1). */
  readonly scope?: string | undefined
}

/** How a sign-in ended at the provider. */
export type SignInResult =
  | { readonly kind: 'signed-in'; readonly person: Person; readonly tokens: ProviderTokens }
  | Failure

/** A provider's "no" to whatever it was asked. */
export type Failure =
  /** The provider, or the person there, said no; `error` as OIDC Core §3.1.2.6 names it. */
  | { readonly kind: 'refused'; readonly error: string }
  /** RFC 6749 §5.2 invalid_grant: the code that came back is none that it gave for this sign-in, or a token is dead. */
  | { readonly kind: 'rejected' }
  /** An answer that no standard allows, or an ID token that does not hold. `why` is for the operator. */
  | { readonly kind: 'unexpected'; readonly why: string }

/** What became of a refresh at the provider. */
export type RefreshResult =
  | { readonly kind: 'refreshed'; readonly tokens: ProviderTokens }
  /** RFC 6749 §5.2 invalid_grant: this refresh token is dead for good. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unexpected'; readonly why: string }

/** The provider's answer to the start of its device flow (RFC 8628 §3.2). */
export type DeviceLogin = {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  readonly verificationUriComplete?: string | undefined
  readonly expiresInSeconds: number
  /** How often it may be asked. */
  readonly intervalSeconds: number
}

/** RFC 8628 §3.5 */
export type DeviceLoginResult =
  | SignInResult
  | { readonly kind: 'pending' }
  | { readonly kind: 'too-early' }
  | { readonly kind: 'expired' }

export type Provider = {
  /** Origin of the page where people sign in. @throws {Unavailable} */
  signInOrigin(): Promise<string>
  /**
   * Where to send the browser.
   *
   * @param state what the browser comes back with; drawn where none is given
   * @throws {Unavailable}
   */
  begin(
    redirectUri: string,
    wishes: SignInWishes,
    state?: string,
  ): Promise<{ readonly url: string; readonly secrets: SignInSecrets }>
  /**
   * Turns the parameters that the browser came back with into a person.
   *
   * @param callback the redirect URI with the query it was called with
   * @param claims names of the claims that are wanted, `sub` apart
   * @throws {Unavailable}
   */
  finish(callback: URL, secrets: SignInSecrets, claims: readonly string[]): Promise<SignInResult>
  /**
   * Fetches fresh tokens (RFC 6749 §6).
   *
   * @param sub whose they are; tokens of anybody else are `unexpected` (OIDC Core §12.2)
   * @throws {Unavailable}
   */
  refresh(refreshToken: string, sub: string): Promise<RefreshResult>
  /**
   * Ends tokens (RFC 7009).
   *
   * @returns why it did not; undefined: they are dead
   * @throws {Unavailable}
   */
  revoke(tokens: Pick<ProviderTokens, 'accessToken' | 'refreshToken'>): Promise<string | undefined>
  /** Starts the provider's own device flow. @returns why it could not. @throws {Unavailable} */
  startDeviceLogin(): Promise<DeviceLogin | { readonly why: string }>
  /** Asks once how it stands; when is for the caller to mind. @throws {Unavailable} */
  pollDeviceLogin(deviceCode: string, claims: readonly string[]): Promise<DeviceLoginResult>
}
