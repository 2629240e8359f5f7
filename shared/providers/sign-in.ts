/**
 * What the kinds of provider share of a sign-in: how the browser is sent away, and how a failure is read.
 *
 * Must not know discovery, ID tokens or userinfo.
 */

import * as oidc from 'openid-client'
import type { ProviderSettings } from '../domain/registration.ts'
import { Unavailable } from '../unavailable.ts'
import { fetchTrusting } from './private-fetch.ts'
import type { SignInResult, SignInWishes } from './provider.ts'

export const timeoutSeconds = 5
/** What a caller is told while the provider is out of reach. */
const retryAfterSeconds = 5
const longestRetryAfterSeconds = 300
/** A provider's metadata and the broker's secret there change rarely. */
const configuredForMs = 600_000

/** What was made the last time, for as long as it may be relied on. */
export function kept<Made>(make: () => Promise<Made>): () => Promise<Made> {
  let known: { readonly made: Made; readonly until: number } | undefined
  return async () => {
    if (known === undefined || known.until <= Date.now()) {
      known = { made: await make(), until: Date.now() + configuredForMs }
    }
    return known.made
  }
}

/** How this provider is spoken to: whose word its certificate needs is the registry's to say. */
export function fetchFor({ certificateAuthority }: ProviderSettings): oidc.CustomFetch {
  const ask = certificateAuthority === undefined ? fetch : fetchTrusting(certificateAuthority)
  return async (url, options) => withoutChallenge(await ask(url, options as RequestInit))
}

/** A challenge in the header would hide the JSON `error`, by which alone a provider's errors are read. */
function withoutChallenge(response: Response): Response {
  if (!response.headers.has('www-authenticate')) return response
  const { status, headers: told, body } = response
  const headers = new Headers(told)
  headers.delete('www-authenticate')
  return new Response(body, { status, headers })
}

/** @param secret reads the client secret that the provider knows the broker by */
export async function clientAuthentication(
  { auth }: ProviderSettings,
  secret: () => Promise<string>,
): Promise<oidc.ClientAuth> {
  if (auth === 'none') return oidc.None()
  const text = (await secret()).trim()
  return auth === 'client_secret_post' ? oidc.ClientSecretPost(text) : oidc.ClientSecretBasic(text)
}

/** State always; nonce and PKCE too, which a provider that does not know them ignores (RFC 6749 §3.1), or should. */
export async function beginSignIn(
  configuration: oidc.Configuration,
  settings: ProviderSettings,
  redirectUri: string,
  { prompt, maxAgeSeconds, loginHint }: SignInWishes,
) {
  const { scopes } = settings
  const codeVerifier = oidc.randomPKCECodeVerifier()
  const secrets = { state: oidc.randomState(), nonce: oidc.randomNonce(), codeVerifier, maxAgeSeconds }
  const url = oidc.buildAuthorizationUrl(configuration, {
    ...settings.parameters,
    redirect_uri: redirectUri,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    state: secrets.state,
    nonce: secrets.nonce,
    ...(usesPkce(settings) && {
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    }),
    ...(prompt !== undefined && { prompt }),
    ...(maxAgeSeconds !== undefined && { max_age: String(maxAgeSeconds) }),
    ...(loginHint !== undefined && { login_hint: loginHint }),
  })
  return { url: url.href, secrets }
}

export function usesPkce(settings: ProviderSettings): boolean {
  return settings.kind === 'oidc' || settings.pkce
}

export function outOfReach(cause: unknown): Unavailable {
  return new Unavailable('provider', cause, Math.max(retryAfterSeconds, toldRetryAfter(cause)))
}

/** RFC 9110 §10.2.3, as whole seconds, for it is passed on; a date is rare enough to be taken for nothing. */
function toldRetryAfter(error: unknown): number {
  const { response, cause } = Object(error) as { response?: unknown; cause?: unknown }
  const answer = [error, response, cause].find((part) => part instanceof Response)
  const told = Number(answer?.headers.get('retry-after'))
  return Number.isFinite(told) ? Math.min(Math.ceil(told), longestRetryAfterSeconds) : 0
}

/** Reads the provider's errors by their `error`, whatever the 4xx status. @throws {Unavailable} */
export function failedSignIn(error: unknown): SignInResult {
  if (error instanceof oidc.AuthorizationResponseError) return { kind: 'refused', error: error.error }
  if (error instanceof oidc.ResponseBodyError && !isPassing(error.status)) {
    return error.error === 'invalid_grant' ? { kind: 'rejected' } : { kind: 'unexpected', why: error.error }
  }
  if (isOutOfReach(error)) throw outOfReach(error)
  if (error instanceof oidc.ClientError || error instanceof oidc.WWWAuthenticateChallengeError) {
    return { kind: 'unexpected', why: error.code ?? error.name }
  }
  // What openid-client throws when a value in the provider's answer is of a type that it cannot have.
  if (error instanceof TypeError && 'code' in error) return { kind: 'unexpected', why: String(error.code) }
  throw error
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
