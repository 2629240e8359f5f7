/**
 * Providers of kind `oauth2`: no discovery, no ID token, endpoints typed in by hand; who signed in is what their userinfo
 * endpoint says to the access token (RFC 6749 §4.1, RFC 6750 §2.1), through openid-client.
 *
 * Owns what such a provider may leave out. Must not know what the broker does with the person.
 */

import * as oidc from 'openid-client'
import { isLoopback } from '../domain/loopback.ts'
import type { OAuth2Settings } from '../domain/registration.ts'
import { keptClaims, longestSub } from './claims.ts'
import type { Provider, SignInResult, SignInSecrets } from './provider.ts'
import { beginSignIn, clientAuthentication, failedSignIn, timeoutSeconds } from './sign-in.ts'

/**
 * @param secret reads the client secret that the provider knows the broker by
 * @param now the clock, ms
 */
export function createOAuth2Provider(
  settings: OAuth2Settings,
  secret: () => Promise<string>,
  now: () => number,
): Provider {
  const configuration = async () => configure(settings, await clientAuthentication(settings, secret))
  return {
    signInOrigin: async () => new URL(settings.authorizationEndpoint).origin,
    begin: async (redirectUri, wishes) => beginSignIn(await configuration(), settings, redirectUri, wishes),
    finish: async (callback, secrets, claims) =>
      finish(await configuration(), settings, callback, secrets, claims, Math.floor(now() / 1000)),
  }
}

function configure(settings: OAuth2Settings, authentication: oidc.ClientAuth): oidc.Configuration {
  const server = {
    // Needed by the library, and compared with nothing, since there is no ID token.
    issuer: new URL(settings.authorizationEndpoint).origin,
    authorization_endpoint: settings.authorizationEndpoint,
    token_endpoint: settings.tokenEndpoint,
    userinfo_endpoint: settings.userinfoEndpoint,
  }
  const configuration = new oidc.Configuration(server, settings.clientId, undefined, authentication)
  configuration.timeout = timeoutSeconds
  configuration[oidc.customFetch] = async (url, options) => plainAnswer(await fetch(url, spoken(settings, options)))
  // A provider without TLS is for a laptop alone.
  if (isLoopback(new URL(settings.tokenEndpoint))) oidc.allowInsecureRequests(configuration)
  return configuration
}

async function finish(
  configuration: oidc.Configuration,
  settings: OAuth2Settings,
  callback: URL,
  secrets: SignInSecrets,
  wanted: readonly string[],
  nowSeconds: number,
): Promise<SignInResult> {
  try {
    const tokens = await oidc.authorizationCodeGrant(configuration, callback, {
      expectedState: secrets.state,
      pkceCodeVerifier: secrets.codeVerifier,
    })
    const told = await profile(configuration, settings, tokens.access_token)
    const sub = told?.[settings.claims.sub ?? 'sub'] ?? told?.id
    if (told === undefined || !isSubject(sub)) return { kind: 'unexpected', why: 'userinfo names no subject' }
    const claims = keptClaims(told, wanted, (claim) => settings.claims[claim] ?? claim)
    return { kind: 'signed-in', person: { sub: String(sub), claims, authTimeSeconds: nowSeconds } }
  } catch (error) {
    return failedSignIn(error)
  }
}

async function profile(
  configuration: oidc.Configuration,
  { userinfoEndpoint }: OAuth2Settings,
  accessToken: string,
): Promise<Record<string, unknown> | undefined> {
  const headers = new Headers({ accept: 'application/json' })
  const url = new URL(userinfoEndpoint)
  const response = await oidc.fetchProtectedResource(configuration, accessToken, url, 'GET', undefined, headers)
  if (response.status >= 500) throw new oidc.ClientError('userinfo failed', { cause: response })
  const told: unknown = await response.json().catch(() => undefined)
  return response.ok && typeof told === 'object' && told !== null ? (told as Record<string, unknown>) : undefined
}

/** Some number their people. */
function isSubject(sub: unknown): sub is string | number {
  if (typeof sub === 'number') return Number.isSafeInteger(sub)
  return typeof sub === 'string' && sub !== '' && sub.length <= longestSub
}

/** The request as this provider wants it: forms by default, JSON where it is set. */
function spoken({ body: format }: OAuth2Settings, { body, ...options }: oidc.CustomFetchOptions): RequestInit {
  if (format !== 'json' || !(body instanceof URLSearchParams)) return { ...options, body: body as NonNullable<RequestInit['body']> | null }
  return {
    ...options,
    headers: { ...options.headers, 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(body)),
  }
}

/** An ID token that nobody asked for is not looked at: there is nothing to check it by. */
async function plainAnswer(response: Response): Promise<Response> {
  const text = await response.text()
  if (!text.includes('"id_token"')) return copyOf(response, text)
  try {
    const { id_token: _, ...rest } = JSON.parse(text) as Record<string, unknown>
    return copyOf(response, JSON.stringify(rest))
  } catch {
    return copyOf(response, text)
  }
}

function copyOf({ status, headers }: Response, text: string): Response {
  return new Response(text === '' ? null : text, { status, headers })
}
