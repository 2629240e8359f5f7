/**
 * Providers of kind `oidc`: discovery, PKCE, state, nonce, a checked ID token (OIDC Core §3.1), through openid-client.
 *
 * Sole importer of openid-client. Must not know what the broker does with the person.
 */

import * as oidc from 'openid-client'
import type { Person } from '../domain/family.ts'
import { isLoopback } from '../domain/loopback.ts'
import type { ProviderSettings } from '../domain/registration.ts'
import { Unavailable } from '../unavailable.ts'
import type { Provider, SignInResult, SignInSecrets, SignInWishes } from './provider.ts'

const timeoutSeconds = 5
/** A provider's metadata changes rarely, and its keys are looked up again by openid-client when one is missing. */
const discoveredForMs = 600_000
/** OIDC Core §2 */
const longestSub = 255
/** What is kept of a person; so a family's item stays under 1 KB, and a refresh at one write unit. */
const mostClaimBytes = 320

/** @param secret reads the client secret that the provider knows the broker by */
export function createOidcProvider(settings: ProviderSettings, secret: () => Promise<string>): Provider {
  let known: { configuration: oidc.Configuration; until: number } | undefined
  const configuration = async () => {
    if (known === undefined || known.until <= Date.now()) {
      known = { configuration: await discover(settings, secret), until: Date.now() + discoveredForMs }
    }
    return known.configuration
  }
  return {
    signInOrigin: async () => new URL((await configuration()).serverMetadata().authorization_endpoint!).origin,
    begin: async (redirectUri, wishes) => begin(await configuration(), settings, redirectUri, wishes),
    finish: async (callback, secrets, claims) => finish(await configuration(), callback, secrets, claims),
  }
}

async function discover(settings: ProviderSettings, secret: () => Promise<string>): Promise<oidc.Configuration> {
  const authentication = await authenticationOf(settings, secret)
  const issuer = new URL(settings.issuer)
  try {
    return await oidc.discovery(issuer, settings.clientId, undefined, authentication, {
      timeout: timeoutSeconds,
      // A provider without TLS is for a laptop alone.
      execute: isLoopback(issuer) ? [oidc.allowInsecureRequests] : [],
    })
  } catch (error) {
    throw new Unavailable('provider', error, 5)
  }
}

async function authenticationOf({ auth }: ProviderSettings, secret: () => Promise<string>): Promise<oidc.ClientAuth> {
  if (auth === 'none') return oidc.None()
  const text = (await secret()).trim()
  return auth === 'client_secret_post' ? oidc.ClientSecretPost(text) : oidc.ClientSecretBasic(text)
}

async function begin(
  configuration: oidc.Configuration,
  { scopes }: ProviderSettings,
  redirectUri: string,
  { prompt, maxAgeSeconds, loginHint }: SignInWishes,
) {
  const codeVerifier = oidc.randomPKCECodeVerifier()
  const secrets = { state: oidc.randomState(), nonce: oidc.randomNonce(), codeVerifier, maxAgeSeconds }
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: scopes.join(' '),
    state: secrets.state,
    nonce: secrets.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    ...(prompt !== undefined && { prompt }),
    ...(maxAgeSeconds !== undefined && { max_age: String(maxAgeSeconds) }),
    ...(loginHint !== undefined && { login_hint: loginHint }),
  })
  return { url: url.href, secrets }
}

async function finish(
  configuration: oidc.Configuration,
  callback: URL,
  secrets: SignInSecrets,
  wanted: readonly string[],
): Promise<SignInResult> {
  try {
    const tokens = await oidc.authorizationCodeGrant(configuration, callback, {
      expectedState: secrets.state,
      expectedNonce: secrets.nonce,
      pkceCodeVerifier: secrets.codeVerifier,
      idTokenExpected: true,
      ...(secrets.maxAgeSeconds !== undefined && { maxAge: secrets.maxAgeSeconds }),
    })
    return await personIn(configuration, tokens, wanted)
  } catch (error) {
    return failure(error)
  }
}

/** The ID token's claims, and userinfo's where some are missing there (OIDC Core §5.4). */
async function personIn(
  configuration: oidc.Configuration,
  tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  wanted: readonly string[],
): Promise<SignInResult> {
  const idToken = tokens.claims()!
  if (idToken.sub.length > longestSub) return { kind: 'unexpected', why: 'sub is longer than 255 characters' }
  const missing = wanted.some((name) => idToken[name] === undefined)
  const hasUserinfo = configuration.serverMetadata().userinfo_endpoint !== undefined
  const more = missing && hasUserinfo ? await oidc.fetchUserInfo(configuration, tokens.access_token, idToken.sub) : {}
  const claims = keptClaims({ ...more, ...idToken }, wanted)
  const person: Person = { sub: idToken.sub, claims, authTimeSeconds: idToken.auth_time ?? idToken.iat }
  return { kind: 'signed-in', person }
}

/** The wanted claims in their order, as far as they are plain and there is room. */
function keptClaims(told: Readonly<Record<string, unknown>>, wanted: readonly string[]): Person['claims'] {
  const claims: Record<string, string | boolean> = {}
  let room = mostClaimBytes
  for (const name of wanted) {
    const value = told[name]
    if (typeof value !== 'string' && typeof value !== 'boolean') continue
    const size = name.length + Buffer.byteLength(String(value))
    if (size > room) continue
    room -= size
    claims[name] = value
  }
  return claims
}

/** Reads the provider's errors by their `error`, whatever the 4xx status. @throws {Unavailable} */
function failure(error: unknown): SignInResult {
  if (error instanceof oidc.AuthorizationResponseError) return { kind: 'refused', error: error.error }
  if (error instanceof oidc.ResponseBodyError && error.status < 500) {
    return error.error === 'invalid_grant' ? { kind: 'rejected' } : { kind: 'unexpected', why: error.error }
  }
  if (isOutOfReach(error)) throw new Unavailable('provider', error, 5)
  if (error instanceof oidc.ClientError || error instanceof oidc.WWWAuthenticateChallengeError) {
    return { kind: 'unexpected', why: error.code ?? error.name }
  }
  throw error
}

/** No connection, no answer in time, or an answer of 5xx. */
function isOutOfReach(error: unknown): boolean {
  if (error instanceof oidc.ResponseBodyError) return true
  // What fetch throws when there is no connection.
  if (error instanceof TypeError) return error.message === 'fetch failed'
  if (!(error instanceof oidc.ClientError)) return false
  if (error.code === 'OAUTH_TIMEOUT') return true
  return error.cause instanceof Response && error.cause.status >= 500
}
