/** Whether the session or the client behind an access token is still live, and with which scopes and audiences. */

import { audClaim, registeredAudiences } from '../domain/audience.ts'
import { type Family, isLive } from '../domain/family.ts'
import type { Client } from '../domain/registration.ts'
import { registeredScopes } from '../domain/scope.ts'
import type { Call } from '../http/call.ts'
import { isOfSession, type SessionAccessToken, type VerifiedAccessToken } from '../tokens/access-token.ts'
import { verifyAccessToken } from '../tokens/verify-access-token.ts'

/** Families created up to then are revoked; undefined: the client is gone, and with it all that it held. */
export async function revokedBefore({ parts, application }: Call, clientId: string): Promise<number | undefined> {
  const client = await parts.registrations.client(application.name, clientId)
  return client && Math.max(application.revokedBefore, client.revokedBefore)
}

/** Whether ops have revoked all that its client, or its application, held when it began; or the client is gone. */
export async function isRevoked(call: Call, { clientId, createdAt }: Family): Promise<boolean> {
  const before = await revokedBefore(call, clientId)
  return before === undefined || createdAt <= before
}

/**
 * The claims of a valid access token whose session, or client, is still there: with the scopes and audiences that its client
 * is still registered for. One that is left with no audience is for nobody.
 *
 * @returns undefined for anything else
 */
export async function liveToken(call: Call, token: string): Promise<VerifiedAccessToken | undefined> {
  const claims = await verify(call, token)
  if (claims === undefined) return undefined
  const client = isOfSession(claims) ? (await liveFamily(call, claims))?.client : await liveServiceClient(call, claims)
  if (client === undefined) return undefined
  const audiences = registeredAudiences(client.audiences, [claims.aud].flat())
  return audiences.length === 0 ? undefined : { ...withRegisteredScopes(claims, client), aud: audClaim(audiences) }
}

/**
 * The claims of a valid access token and the live family it belongs to, with the scopes that its client is still registered
 * for.
 *
 * @returns undefined for anything else
 */
export async function liveSession(
  call: Call,
  token: string,
): Promise<{ claims: VerifiedAccessToken; family: Family } | undefined> {
  const claims = await verify(call, token)
  if (claims === undefined || !isOfSession(claims)) return undefined
  const live = await liveFamily(call, claims)
  return live && { claims: withRegisteredScopes(claims, live.client), family: live.family }
}

async function verify(call: Call, token: string): Promise<VerifiedAccessToken | undefined> {
  return verifyAccessToken(await call.parts.keyring(), call.issuer, token, call.now)
}

type LiveFamily = { readonly family: Family; readonly client: Client }

async function liveFamily(call: Call, claims: SessionAccessToken): Promise<LiveFamily | undefined> {
  const family = await call.parts.families.read(claims.sid)
  const client = family && (await liveClient(call, claims, family))
  return client && { family: family!, client }
}

/** The token's client, where this is the token's own family, and it stands. */
export async function liveClient(
  { parts, application, now }: Call,
  { client_id: clientId }: SessionAccessToken,
  family: Family,
): Promise<Client | undefined> {
  if (family.application !== application.name || family.clientId !== clientId) return undefined
  const client = await parts.registrations.client(application.name, clientId)
  if (client === undefined) return undefined
  return isLive(family, Math.max(application.revokedBefore, client.revokedBefore), now) ? client : undefined
}

/** Nothing is kept of such a token, so what ends it is what its client loses: its registration, the grant, or all it has. */
async function liveServiceClient(
  { parts, application }: Call,
  { client_id, iat }: VerifiedAccessToken,
): Promise<Client | undefined> {
  const client = await parts.registrations.client(application.name, client_id)
  if (!client?.grants.includes('client_credentials')) return undefined
  return iat * 1000 > Math.max(application.revokedBefore, client.revokedBefore) ? client : undefined
}

function withRegisteredScopes({ scope, ...claims }: VerifiedAccessToken, { scopes }: Client): VerifiedAccessToken {
  const left = registeredScopes(scopes, scope?.split(' ') ?? []).join(' ')
  return { ...claims, ...(left !== '' && { scope: left }) }
}
