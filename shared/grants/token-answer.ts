/**
 * The answer of a token endpoint to whoever moved a session on (RFC 6749 §5.1): its tokens, what they are good for, and how
 * long.
 *
 * Owns what follows from the family, its client's registration and the request. Must not know how the family was moved on.
 */

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
  /** The credential that was exchanged, now or (on a retry within the grace) before. */
  readonly credential: Credential
  /** As the credential's exchange has left it. */
  readonly family: Family
  /** What the client asked for, of what was granted. */
  readonly request: RequestedAccess
  /** The provider's access token in place of ours. */
  readonly providerToken: FreshToken | undefined
}

/**
 * The tokens are for what was asked for, or for all that was granted as far as the client is still registered for it.
 * The condition of the write has judged what was asked for.
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

/** Whether a refresh token comes with what was granted, for this client (OIDC Core §11). */
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
 * The refresh token is a function of the family's generation and of the key that was in use when it was made, so a retry
 * within the grace is given the very same one, whatever rotated in between.
 */
function refreshTokenOf(
  { application, client, now }: ClientCall,
  { keyring, credential, family }: AnswerParts,
): object {
  const successor = { ...credential, generation: family.generation }
  return {
    refresh_token: mint('rt', application.name, successor, keyring.macKey(family.rotatedAt!)),
    ...refreshTokenLifetimes(family, client, now),
    // Ours: the grace of this very token, which begins when it is exchanged. So it is never what is left of another one's.
    refresh_token_grace: client.graceSeconds,
  }
}

/**
 * draft-ietf-oauth-refresh-token-expiration-03 §6.1: until the refresh token ends if nobody uses it, and until the session
 * ends for good, whole seconds from now on.
 */
export function refreshTokenLifetimes(
  { rotatedAt = 0, absoluteExpiresAt = 0 }: Family,
  { idleSeconds }: Pick<ClientCall['client'], 'idleSeconds'>,
  now: number,
): { readonly refresh_token_timeout: number; readonly authorization_expires_in: number } {
  // A write that waited for the provider is later than the request.
  const from = Math.max(now, rotatedAt)
  const secondsTo = (end: number) => Math.max(0, Math.floor((end - from) / 1000))
  return {
    refresh_token_timeout: secondsTo(Math.min(rotatedAt + idleSeconds * 1000, absoluteExpiresAt)),
    authorization_expires_in: secondsTo(absoluteExpiresAt),
  }
}

/** With the first tokens; and with refreshes, where the client's registration says so (OIDC Core §12.2). */
function includesIdToken({ client }: ClientCall, { generation }: Family, scopes: readonly string[]): boolean {
  if (!scopes.includes('openid')) return false
  return generation === 1 || (client.idTokenOnRefresh ?? client.grants.includes('authorization_code'))
}

/** OIDC Core §12.2: after a refresh the same person, client and sign-in, and no nonce. */
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
      // First, so that no claim of a provider's is taken for one of ours. Absent ones count as well.
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
