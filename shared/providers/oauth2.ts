/**
 * Providers of kind `oauth2`: no discovery and no ID token. Endpoints come from the registry, and userinfo says who signed in
 * (RFC 6749 §4.1, RFC 6750 §2.1). By openid-client.
 */

import * as oidc from 'openid-client'
import { isLoopback } from '../domain/loopback.ts'
import type { OAuth2Settings } from '../domain/registration.ts'
import { isSubject, keptClaims } from './claims.ts'
import { deviceLogin } from './device-login.ts'
import { failureOf, isPassing } from './failures.ts'
import type { Provider, ProviderTokens, SignInResult, SignInSecrets } from './provider.ts'
import { beginSignIn, clientAuthentication, fetchFor, kept, timeoutSeconds, usesPkce } from './sign-in.ts'
import { tokenRequests, tokensIn } from './token-requests.ts'

/**
 * @param secret reads the client secret that the provider knows the broker by
 */
export function createOAuth2Provider(settings: OAuth2Settings, secret: () => Promise<string>): Provider {
  const configuration = kept(async () => configure(settings, await clientAuthentication(settings, secret)))
  return {
    signInOrigin: async () => new URL(settings.authorizationEndpoint).origin,
    begin: async (...asked) => beginSignIn(await configuration(), settings, ...asked),
    finish: async (callback, secrets, claims) => finish(await configuration(), settings, callback, secrets, claims),
    ...tokenRequests(configuration),
    ...deviceLogin(configuration, settings, (configured, tokens, claims) =>
      profile(configured, settings, tokens, claims),
    ),
  }
}

function configure(settings: OAuth2Settings, authentication: oidc.ClientAuth): oidc.Configuration {
  const { authorizationEndpoint, tokenEndpoint, userinfoEndpoint } = settings
  const { deviceAuthorizationEndpoint, revocationEndpoint } = settings
  const server = {
    // The library needs one and compares it with nothing: there is no ID token, and `iss` is removed from the callback.
    issuer: new URL(authorizationEndpoint).origin,
    authorization_endpoint: authorizationEndpoint,
    token_endpoint: tokenEndpoint,
    userinfo_endpoint: userinfoEndpoint,
    ...(deviceAuthorizationEndpoint !== undefined && { device_authorization_endpoint: deviceAuthorizationEndpoint }),
    ...(revocationEndpoint !== undefined && { revocation_endpoint: revocationEndpoint }),
  }
  const configuration = new oidc.Configuration(server, settings.clientId, undefined, authentication)
  configuration.timeout = timeoutSeconds
  const fetch = fetchFor(settings)
  configuration[oidc.customFetch] = async (url, options) => plainAnswer(await fetch(url, spoken(settings, options)))
  // Only on a laptop: the registry allows no other address without TLS.
  if ([authorizationEndpoint, tokenEndpoint, userinfoEndpoint].some((endpoint) => isLoopback(new URL(endpoint)))) {
    oidc.allowInsecureRequests(configuration)
  }
  return configuration
}

async function finish(
  configuration: oidc.Configuration,
  settings: OAuth2Settings,
  callback: URL,
  { state, codeVerifier }: SignInSecrets,
  wanted: readonly string[],
): Promise<SignInResult> {
  try {
    const tokens = await oidc.authorizationCodeGrant(configuration, withoutIssuer(callback), {
      expectedState: state,
      ...(usesPkce(settings) && { pkceCodeVerifier: codeVerifier }),
    })
    return await profile(configuration, settings, tokens, wanted)
  } catch (error) {
    return failureOf(error)
  }
}

/** The person, from the userinfo endpoint. */
async function profile(
  configuration: oidc.Configuration,
  settings: OAuth2Settings,
  tokens: oidc.TokenEndpointResponse,
  wanted: readonly string[],
): Promise<SignInResult> {
  const headers = new Headers({ accept: 'application/json' })
  const url = new URL(settings.userinfoEndpoint)
  const { access_token: token } = tokens
  const answer = await oidc.fetchProtectedResource(configuration, token, url, 'GET', undefined, headers)
  if (isPassing(answer.status)) throw new oidc.ClientError('userinfo failed', { cause: answer })
  if (answer.status !== 200) return { kind: 'unexpected', why: `userinfo answered ${answer.status}` }
  return personIn(await profileIn(answer), settings, tokensIn(tokens), wanted)
}

/**
 * There is no issuer to compare `iss` with (RFC 9207). Mix-up is prevented by one provider and one callback for each
 * application (RFC 9700 §4.4.2.2).
 */
function withoutIssuer(callback: URL): URL {
  const url = new URL(callback)
  url.searchParams.delete('iss')
  return url
}

type Profile = Readonly<Record<string, unknown>>

async function profileIn(answer: Response): Promise<Profile | undefined> {
  const told: unknown = await answer.json().catch(() => undefined)
  return typeof told === 'object' && told !== null ? (told as Profile) : undefined
}

function personIn(
  told: Profile | undefined,
  { claims: names }: OAuth2Settings,
  tokens: ProviderTokens,
  wanted: readonly string[],
): SignInResult {
  if (told === undefined) return { kind: 'unexpected', why: 'userinfo is not a JSON object' }
  // A member named in the registry has no fallback: one person's value could be another person's `id`.
  const naming = names.sub ?? (told.sub === undefined ? 'id' : 'sub')
  const sub = subjectFrom(told[naming])
  if (sub === undefined) return { kind: 'unexpected', why: 'userinfo names no subject' }
  const claims = keptClaims({ ...told, [naming]: sub }, wanted, (claim) => names[claim] ?? claim)
  // No auth_time (OIDC Core §2): nothing says when the person signed in.
  return { kind: 'signed-in', person: { sub, claims }, tokens }
}

/** A number is a subject, too. */
function subjectFrom(told: unknown): string | undefined {
  const text = Number.isSafeInteger(told) ? String(told) : told
  return isSubject(text) ? text : undefined
}

/** The request as a form, or as JSON where the registry says so. */
function spoken({ body: format }: OAuth2Settings, options: oidc.CustomFetchOptions): oidc.CustomFetchOptions {
  const { body, headers } = options
  if (format !== 'json' || !(body instanceof URLSearchParams)) return options
  return {
    ...options,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(body)),
  }
}

/** The answer without members that openid-client would refuse: an ID token, which nobody asked for, and nulls. */
async function plainAnswer(response: Response): Promise<Response> {
  const { status, headers } = response
  const text = plainText(await response.text())
  return new Response(text === '' ? null : text, { status, headers })
}

function plainText(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (name, value: unknown) =>
      name === 'id_token' || (value === null && name !== '') ? undefined : value,
    )
  } catch {
    return text
  }
}
