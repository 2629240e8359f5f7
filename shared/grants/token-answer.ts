/** The successful response of a grant with a session (RFC 6749 §5.1, OIDC Core §3.1.3.3). */

import { audClaim, registeredAudiences } from '../domain/audience.ts'
import { type Credential, mint } from '../domain/credential.ts'
import type { Family } from '../domain/family.ts'
import { releasedClaims } from '../domain/released-claims.ts'
import { registeredScopes } from '../domain/scope.ts'
import type { RequestedAccess } from '../domain/single-use.ts'
import type { Answer, ClientCall } from '../http/call.ts'
import { signAccessToken } from '../tokens/access-token.ts'
import { signIdToken } from '../tokens/id-token.ts'
import type { Keyring } from '../tokens/keyring.ts'
import type { FreshToken } from '../vault/fresh-token.ts'

export type AnswerParts = {
  readonly keyring: Keyring
  /** The credential that was exchanged: by this call, or before it if this is a grace retry. */
  readonly credential: Credential
  /** The family after the exchange. */
  readonly family: Family
  /** The part of the grant that the client requested. */
  readonly request: RequestedAccess
  /** The provider's access token, returned instead of the broker's. */
  readonly providerToken: FreshToken | undefined
}

/**
 * The tokens are for the requested scopes and audiences, or for all granted ones that the client is still registered for. The
 * write's condition has checked the request.
 */
export function tokenAnswer(call: ClientCall, parts: AnswerParts): Answer {
  const { family, request, providerToken } = parts
  const { client } = call
  const granted = registeredScopes(client.scopes, family.scopes)
  const scopes = request.scopes?.length ? request.scopes : granted
  const scope = providerToken?.scope ?? scopes.join(' ')
  return {
    status: 200,
    body: {
      access_token: providerToken?.accessToken ?? accessTokenOf(call, parts, scopes),
      token_type: 'Bearer',
      expires_in: providerToken?.expiresInSeconds ?? client.accessTokenSeconds,
      ...(scope !== '' && { scope }),
      ...(isRefreshable(call, granted) && refreshTokenOf(call, parts)),
      ...(includesIdToken(call, family, scopes) && { id_token: idTokenOf(call, parts, scopes) }),
    },
  }
}

/** Whether this client gets a refresh token for these scopes (OIDC Core §11). */
function isRefreshable({ client }: ClientCall, granted: readonly string[]): boolean {
  return granted.includes('offline_access') && client.grants.includes('refresh_token')
}

function accessTokenOf(
  { application, client, issuer, now }: ClientCall,
  { keyring, family, request }: AnswerParts,
  scopes: readonly string[],
): string {
  const audiences = request.audiences?.length ? request.audiences : family.audiences
  return signAccessToken(
    keyring,
    application.accessTokenAlgorithm,
    {
      iss: issuer,
      sub: family.person!.sub,
      aud: audClaim(registeredAudiences(client.audiences, audiences)),
      client_id: client.clientId,
      sid: family.sid,
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    },
    client.accessTokenSeconds,
    now,
  )
}

/**
 * The refresh token is a function of the family's generation and of the MAC key that was in use at `rotatedAt`. So a retry
 * within the grace gets the same token, even if the keys have rotated since.
 */
function refreshTokenOf(
  { application, client, now }: ClientCall,
  { keyring, credential, family }: AnswerParts,
): object {
  const successor = { ...credential, generation: family.generation }
  return {
    refresh_token: mint('rt', application.name, successor, keyring.macKey(family.rotatedAt!)),
    ...refreshTokenLifetimes(family, client, now),
    // An extension of the broker: the grace of this token, seconds. It begins when this token is exchanged.
    refresh_token_grace: client.graceSeconds,
  }
}

/**
 * draft-ietf-oauth-refresh-token-expiration-03 §6.1: seconds until an unused refresh token expires, and until the session
 * ends.
 */
export function refreshTokenLifetimes(
  { rotatedAt = 0, absoluteExpiresAt = 0 }: Family,
  { idleSeconds }: Pick<ClientCall['client'], 'idleSeconds'>,
  now: number,
): { readonly refresh_token_timeout: number; readonly authorization_expires_in: number } {
  // If the request waited for the provider, the write is later than the request's `now`.
  const from = Math.max(now, rotatedAt)
  const secondsTo = (end: number) => Math.max(0, Math.floor((end - from) / 1000))
  return {
    refresh_token_timeout: secondsTo(Math.min(rotatedAt + idleSeconds * 1000, absoluteExpiresAt)),
    authorization_expires_in: secondsTo(absoluteExpiresAt),
  }
}

/** The first tokens include an ID token; refreshes do if the client's registration says so (OIDC Core §12.2). */
function includesIdToken({ client }: ClientCall, { generation }: Family, scopes: readonly string[]): boolean {
  if (!scopes.includes('openid')) return false
  return generation === 1 || (client.idTokenOnRefresh ?? client.grants.includes('authorization_code'))
}

/** OIDC Core §12.2: after a refresh, `iss`, `sub`, `aud` and `auth_time` are unchanged, and there is no `nonce`. */
function idTokenOf(
  { application, client, issuer, now }: ClientCall,
  { keyring, family }: AnswerParts,
  scopes: readonly string[],
): string {
  const { sub, claims, authTimeSeconds, acr } = family.person!
  return signIdToken(
    keyring,
    client.idTokenAlgorithm,
    {
      // The provider's claims come first, so that they cannot replace the broker's, not even with an absent one.
      ...(client.claimsInIdToken && releasedClaims(application, scopes, claims)),
      iss: issuer,
      sub,
      aud: client.clientId,
      sid: family.sid,
      auth_time: authTimeSeconds,
      acr,
      nonce: family.generation === 1 ? family.nonce : undefined,
    },
    now,
  )
}
