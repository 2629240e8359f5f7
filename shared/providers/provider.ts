/**
 * What the broker asks of an identity provider, whatever its kind: sign a person in, keep that person's tokens fresh, end them.
 */

import type { Person } from '../domain/family.ts'

/** What a client asks of the sign-in (OIDC Core §3.1.2.1). */
export type SignInWishes = {
  readonly prompt?: string | undefined
  readonly maxAgeSeconds?: number | undefined
  readonly loginHint?: string | undefined
  readonly acrValues?: string | undefined
  readonly uiLocales?: string | undefined
}

/** Compared with the callback. They wait in a sealed cookie of the browser. */
export type SignInSecrets = {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/** The provider's token answer (RFC 6749 §5.1). */
export type ProviderTokens = {
  readonly accessToken: string
  /** Absent: there is none, or after a refresh the one before stays good (RFC 6749 §6). */
  readonly refreshToken?: string | undefined
  /** Absent: the provider does not say. */
  readonly expiresInSeconds?: number | undefined
  /** Of the access token. Absent: what was asked for (RFC 6749 §5.1). */
  readonly scope?: string | undefined
}

/** How a sign-in ended at the provider. */
export type SignInResult =
  | { readonly kind: 'signed-in'; readonly person: Person; readonly tokens: ProviderTokens }
  | Failure

/** A refusal, or a wrong answer. */
export type Failure =
  /** The provider or the person refused. `error` is one of OIDC Core §3.1.2.6. */
  | { readonly kind: 'refused'; readonly error: string }
  /** RFC 6749 §5.2 invalid_grant: the code or the token is not valid. */
  | { readonly kind: 'rejected' }
  /** An answer that no standard allows, or an invalid ID token. `why` is for the operator. */
  | { readonly kind: 'unexpected'; readonly why: string }

/** The outcome of a refresh at the provider. */
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
  /** Between two polls. */
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
   * @param state @default random
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
   * @returns why it failed; undefined on success
   * @throws {Unavailable}
   */
  revoke(tokens: Pick<ProviderTokens, 'accessToken' | 'refreshToken'>): Promise<string | undefined>
  /** Starts the provider's own device flow. @returns why it could not. @throws {Unavailable} */
  startDeviceLogin(): Promise<DeviceLogin | { readonly why: string }>
  /** Polls once. The caller keeps to the interval. @throws {Unavailable} */
  pollDeviceLogin(deviceCode: string, claims: readonly string[]): Promise<DeviceLoginResult>
}
