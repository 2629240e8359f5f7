/**
 * Providers of kind `oidc`: discovery, PKCE, state, nonce and a verified ID token (OIDC Core §3.1), by openid-client.
 */

import * as oidc from 'openid-client'
import type { Person } from '../domain/family.ts'
import { isLoopback } from '../domain/loopback.ts'
import type { OidcSettings } from '../domain/registration.ts'
import { Unavailable } from '../unavailable.ts'
import { isSubject, keptClaims } from './claims.ts'
import { deviceLogin } from './device-login.ts'
import { failureOf, outOfReach } from './failures.ts'
import type { Provider, SignInResult, SignInSecrets } from './provider.ts'
import {
  beginSignIn,
  clientAuthentication,
  fetchFor,
  forgetOldKeys,
  type Kept,
  kept,
  timeoutSeconds,
} from './sign-in.ts'
import { tokenRequests, tokensIn } from './token-requests.ts'

/** A family's item stays under 1 KB. */
const maxAcrBytes = 96

/** @param secret reads the client secret that the provider knows the broker by */
export function createOidcProvider(settings: OidcSettings, secret: () => Promise<string>): Provider {
  const configuration = kept(() => discover(settings, secret, [oidc.enableNonRepudiationChecks]))
  // The tokens are there when the keys for a signature are asked for. Without an answer they would be lost, and the session with
  // them. TLS says whose they are (OIDC Core §3.1.3.7 (6)).
  const unsigned = kept(() => discover(settings, secret, []))
  return {
    signInOrigin: async () => new URL((await configuration()).serverMetadata().authorization_endpoint!).origin,
    begin: async (...asked) => beginSignIn(await configuration(), settings, ...asked),
    finish: async (callback, secrets, claims) => finish(configuration, callback, secrets, claims),
    ...tokenRequests(unsigned),
    ...deviceLogin(configuration, settings, personIn),
  }
}

type Extension = (configuration: oidc.Configuration) => void

async function discover(
  settings: OidcSettings,
  secret: () => Promise<string>,
  extensions: readonly Extension[],
): Promise<oidc.Configuration> {
  const authentication = await clientAuthentication(settings, secret)
  const issuer = new URL(settings.issuer)
  try {
    const configuration = await oidc.discovery(issuer, settings.clientId, undefined, authentication, {
      timeout: timeoutSeconds,
      [oidc.customFetch]: fetchFor(settings),
      execute: [
        ...extensions,
        // Only on a laptop.
        ...(isLoopback(issuer) ? [oidc.allowInsecureRequests] : []),
      ],
    })
    checkEndpoints(configuration.serverMetadata())
    return configuration
  } catch (error) {
    throw error instanceof Unavailable ? error : outOfReach(error)
  }
}

/** OIDC Discovery §3: the broker needs these. @throws {Unavailable} when one is missing or no web address */
function checkEndpoints({ authorization_endpoint, token_endpoint, jwks_uri }: oidc.ServerMetadata): void {
  for (const [name, endpoint] of Object.entries({ authorization_endpoint, token_endpoint, jwks_uri })) {
    if (!/^https?:$/.test(URL.parse(String(endpoint))?.protocol ?? ''))
      throw outOfReach(undefined, `its metadata has no web address as ${name}`)
  }
}

async function finish(
  configuration: Kept<oidc.Configuration>,
  callback: URL,
  secrets: SignInSecrets,
  wanted: readonly string[],
): Promise<SignInResult> {
  try {
    const configured = await configuration()
    const tokens = await oidc.authorizationCodeGrant(configured, callback, {
      expectedState: secrets.state,
      expectedNonce: secrets.nonce,
      pkceCodeVerifier: secrets.codeVerifier,
      idTokenExpected: true,
    })
    return await personIn(configured, tokens, wanted)
  } catch (error) {
    forgetOldKeys(configuration, error)
    return failureOf(error)
  }
}

/** The ID token's claims, and userinfo's where some are missing there (OIDC Core §5.4). */
async function personIn(
  configuration: oidc.Configuration,
  tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  wanted: readonly string[],
): Promise<SignInResult> {
  const idToken = tokens.claims()
  if (idToken === undefined) return { kind: 'unexpected', why: 'there is no ID token' }
  if (!isSubject(idToken.sub)) return { kind: 'unexpected', why: 'sub is empty or longer than 255 characters' }
  const missing = wanted.some((name) => idToken[name] === undefined)
  const hasUserinfo = configuration.serverMetadata().userinfo_endpoint !== undefined
  const more = missing && hasUserinfo ? await userinfo(configuration, tokens.access_token, idToken.sub) : {}
  const claims = keptClaims({ ...more, ...idToken }, wanted)
  const person: Person = { sub: idToken.sub, claims, ...howSignedIn(idToken) }
  return { kind: 'signed-in', person, tokens: tokensIn(tokens) }
}

/** Only what the provider says of the sign-in. `iat` is no substitute: it is when the token was made. */
function howSignedIn({ auth_time, acr }: oidc.IDToken): Pick<Person, 'authTimeSeconds' | 'acr'> {
  return {
    ...(Number.isSafeInteger(auth_time) && { authTimeSeconds: auth_time! }),
    ...(typeof acr === 'string' && isShortText(acr) && { acr }),
  }
}

function isShortText(text: string): boolean {
  return text !== '' && text.isWellFormed() && Buffer.byteLength(text) <= maxAcrBytes
}

/** Optional: an answer that is wrong or about another person (OIDC Core §5.3.2) is left out. @throws {Unavailable} */
async function userinfo(configuration: oidc.Configuration, accessToken: string, sub: string): Promise<object> {
  try {
    return await oidc.fetchUserInfo(configuration, accessToken, sub)
  } catch (error) {
    failureOf(error)
    return {}
  }
}
