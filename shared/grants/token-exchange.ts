/**
 * The token-exchange grant (RFC 8693): a session's worker sends the broker's access token and gets the provider's.
 *
 * The exchange reads once and spends nothing. Fifty workers of a session cause one refresh at the provider between them.
 */

import { registeredAudiences } from '../domain/audience.ts'
import type { Client } from '../domain/registration.ts'
import { allowsScopes, registeredScopes } from '../domain/scope.ts'
import { type ClientCall, conclude } from '../http/call.ts'
import { OAuthError } from '../http/errors.ts'
import { liveClient } from '../sessions/live-session.ts'
import type { Session } from '../store/vaults.ts'
import { isOfSession, type SessionAccessToken } from '../tokens/access-token.ts'
import { verifyAccessToken } from '../tokens/verify-access-token.ts'
import type { Grant } from './token-endpoint.ts'

/** RFC 8693 §3 */
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const jwtType = 'urn:ietf:params:oauth:token-type:jwt'

export const tokenExchangeGrant: Grant = {
  type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  unauthorizedStatus: 403,
  async exchange(call) {
    checkAuthenticates(call.client)
    checkRequest(call)
    const claims = await verifySubjectToken(call, call.parameters.required('subject_token'))
    checkEntitled(call.client, claims)
    const session = await liveSession(call, claims)
    refuseNarrowed(session, claims)
    // Loaded on demand: the provider libraries are large.
    const { providerTokenOf } = await import('./provider-token.ts')
    const { accessToken, expiresInSeconds, scope } = await providerTokenOf(call, session, false)
    conclude(call, 'token.exchanged', { sid: claims.sid, sub: claims.sub, flow: session.family.flow })
    return {
      status: 200,
      body: {
        access_token: accessToken,
        issued_token_type: accessTokenType,
        token_type: 'Bearer',
        expires_in: expiresInSeconds,
        ...(scope !== undefined && scope !== '' && { scope }),
      },
    }
  },
}

/**
 * Anybody can claim to be a public client, and could exchange a stolen access token for the provider's token. The registry
 * refuses this grant for public clients; this check covers clients that were registered before that rule.
 */
function checkAuthenticates({ auth }: Client): void {
  if (auth !== 'none') return
  throw new OAuthError('unauthorized_client', 'Token exchange is for clients that authenticate.', { status: 403 })
}

/** RFC 8693 §2.1. The provider's token cannot be changed, so a request that asks for another one is refused. */
function checkRequest({ parameters }: ClientCall): void {
  const type = parameters.required('subject_token_type')
  if (type !== accessTokenType && type !== jwtType) {
    throw new OAuthError('invalid_request', 'subject_token_type must be that of an access token.')
  }
  if ((parameters.optional('requested_token_type') ?? accessTokenType) !== accessTokenType) {
    throw new OAuthError('invalid_request', 'requested_token_type must be that of an access token.')
  }
  if (parameters.optional('actor_token') !== undefined || parameters.optional('actor_token_type') !== undefined) {
    throw new OAuthError('invalid_request', 'actor_token is not supported.')
  }
  if (parameters.optional('audience') !== undefined || parameters.all('resource').length > 0) {
    throw new OAuthError('invalid_target', "The provider's access token is for what the provider issues it for.")
  }
  if (parameters.optional('scope') !== undefined) {
    throw new OAuthError('invalid_scope', "The provider's access token comes with the scopes of the sign-in.")
  }
}

/** RFC 8693 §2.2.2: a subject token that is invalid for any reason is an invalid request. */
function invalidSubject(reason: string): OAuthError {
  const description = 'subject_token is invalid, expired or revoked, or its session is over.'
  return new OAuthError('invalid_request', description, { reason })
}

async function verifySubjectToken({ parts, issuer, now }: ClientCall, token: string): Promise<SessionAccessToken> {
  const claims = await verifyAccessToken(await parts.keyring(), issuer, token, now)
  if (claims === undefined) throw invalidSubject('invalid token')
  if (!isOfSession(claims)) throw invalidSubject('of no session')
  return claims
}

/** Checked before anything is read or leased: a client that is not entitled must not cause a refresh at the provider. */
function checkEntitled({ exchangesFor }: Client, { client_id: clientId }: SessionAccessToken): void {
  if (exchangesFor.includes(clientId)) return
  throw new OAuthError('unauthorized_client', 'This client may not exchange tokens of that client.', { status: 403 })
}

/** @property client the one that the access token was issued to */
type LiveSession = Session & { readonly client: Client }

async function liveSession(call: ClientCall, claims: SessionAccessToken): Promise<LiveSession> {
  const session = await call.parts.vaults.readSession(claims.sid)
  const client = session && (await liveClient(call, claims, session.family))
  if (client === undefined) throw invalidSubject('session over')
  return { ...session!, client }
}

/**
 * The provider's token cannot be narrowed. So a narrowed access token, which lacks a scope or an audience of its session, is
 * refused. Scopes and audiences that are no longer registered for the client do not count.
 */
function refuseNarrowed({ family, client }: LiveSession, { scope, aud }: SessionAccessToken): void {
  const audiences = [aud].flat()
  if (registeredAudiences(client.audiences, audiences).length < audiences.length) {
    throw new OAuthError('invalid_target', 'An audience of subject_token is no longer registered for its client.')
  }
  const granted = registeredAudiences(client.audiences, family.audiences)
  if (registeredAudiences(audiences, granted).length < granted.length) {
    throw new OAuthError('invalid_target', "subject_token was narrowed, and the provider's access token can not be.")
  }
  const scopes = scope?.split(' ') ?? []
  if (!allowsScopes(scopes, registeredScopes(client.scopes, family.scopes))) {
    throw new OAuthError('invalid_scope', "subject_token was narrowed, and the provider's access token can not be.")
  }
}
