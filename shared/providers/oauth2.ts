/**
 * Providers of kind `oauth2`: no discovery, no ID token, endpoints typed in by hand; who signed in is what their userinfo
 * endpoint says to the access token (RFC 6749 §4.1, RFC 6750 §2.1), through openid-client.
 *
 * Owns what such a provider may leave out. Must not know what the broker does with the person.
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
    // Needed by the library, and compared with nothing: there is no ID token, and `iss` is taken off the callback.
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
  // A provider without TLS is for a laptop alone, and the registry lets no other address go without.
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

/** Who it is, by the userinfo endpoint's word to the access token. */
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
 * RFC 9207 has nothing to compare with here. What it is for holds anyway: each application has one provider and a
 * callback of its own (RFC 9700 §4.4.2.2).
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
  // Where ops name a member, no other will do: what it holds for one person may be in `id` of somebody else.
  const naming = names.sub ?? (told.sub === undefined ? 'id' : 'sub')
  const sub = subjectFrom(told[naming])
  if (sub === undefined) return { kind: 'unexpected', why: 'userinfo names no subject' }
  const claims = keptClaims({ ...told, [naming]: sub }, wanted, (claim) => names[claim] ?? claim)
  // Nothing says when they signed in, so nothing is claimed of it (OIDC Core §2, auth_time).
  return { kind: 'signed-in', person: { sub, claims }, tokens }
}

/** Some number their people. */
function subjectFrom(told: unknown): string | undefined {
  const text = Number.isSafeInteger(told) ? String(told) : told
  return isSubject(text) ? text : undefined
}

/** The request as this provider wants it: forms by default, JSON where it is set. */
function spoken({ body: format }: OAuth2Settings, options: oidc.CustomFetchOptions): oidc.CustomFetchOptions {
  const { body, headers } = options
  if (format !== 'json' || !(body instanceof URLSearchParams)) return options
  return {
    ...options,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(body)),
  }
}

/**
 * The answer without what would only be stumbled over: an ID token that nobody asked for and that there is nothing to
 * check by, and members that are null.
 */
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
