/**
 * What both kinds of provider share of a sign-in: how the provider is called, and where the browser is sent.
 */

import * as oidc from 'openid-client'
import type { ProviderSettings } from '../domain/registration.ts'
import { requestsLogin } from '../domain/sign-in-age.ts'
import { Unavailable } from '../unavailable.ts'
import { fetchTrusting } from './private-fetch.ts'
import type { SignInWishes } from './provider.ts'

export const timeoutSeconds = 5
/** Sent with prompt=login only to learn `auth_time`. A provider that honours prompt=login meets it in any case. */
const authTimeToldSeconds = 3_600
/** A provider's metadata and the broker's secret there change rarely. */
const configuredForMs = 600_000

/** Makes it once and hands it out for ten minutes, unless it is told to forget it. */
export type Kept<Made> = { (): Promise<Made>; forget(): void }

/** Caches the configuration for ten minutes. A failure is not cached. */
export function kept<Made>(make: () => Promise<Made>): Kept<Made> {
  let known: { readonly made: Made; readonly until: number } | undefined
  const get = async () => {
    if (known === undefined || known.until <= Date.now()) {
      known = { made: await make(), until: Date.now() + configuredForMs }
    }
    return known.made
  }
  const forget = () => {
    known = undefined
  }
  return Object.assign(get, { forget })
}

/** openid-client asks for new keys only if those that it knows are a minute old. The next sign-in need not wait for that. */
export function forgetOldKeys(configuration: Kept<oidc.Configuration>, error: unknown): void {
  if (Object(error).code === 'OAUTH_KEY_SELECTION_FAILED') configuration.forget()
}

/** The `fetch` for this provider. */
export function fetchFor({ certificateAuthority }: ProviderSettings): oidc.CustomFetch {
  const ask = certificateAuthority === undefined ? fetch : fetchTrusting(certificateAuthority)
  return async (url, options) => withoutChallenge(await ask(url, options as RequestInit))
}

/** openid-client would report the challenge in the header instead of the JSON `error`. */
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
  if (text === '') throw new Unavailable('secrets', undefined, undefined, 'the client secret is empty', true)
  return auth === 'client_secret_post' ? oidc.ClientSecretPost(text) : oidc.ClientSecretBasic(text)
}

/** Sends state and nonce always. A provider ignores a parameter that it does not know (RFC 6749 §3.1). */
export async function beginSignIn(
  configuration: oidc.Configuration,
  settings: ProviderSettings,
  redirectUri: string,
  { prompt, maxAgeSeconds, loginHint, acrValues, uiLocales }: SignInWishes,
  state = oidc.randomState(),
) {
  const { scopes } = settings
  // OIDC Core §2: max_age makes the provider return auth_time, which shows whether the browser removed prompt=login.
  const maxAge = maxAgeSeconds ?? (requestsLogin(prompt) ? authTimeToldSeconds : undefined)
  const codeVerifier = oidc.randomPKCECodeVerifier()
  const secrets = { state, nonce: oidc.randomNonce(), codeVerifier }
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
    ...(maxAge !== undefined && { max_age: String(maxAge) }),
    ...(loginHint !== undefined && { login_hint: loginHint }),
    ...(acrValues !== undefined && { acr_values: acrValues }),
    ...(uiLocales !== undefined && { ui_locales: uiLocales }),
  })
  return { url: url.href, secrets }
}

export function usesPkce(settings: ProviderSettings): boolean {
  return settings.kind === 'oidc' || settings.pkce
}
