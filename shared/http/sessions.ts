/**
 * Whether what an access token stands for still stands: a person's session, or a client that acts as itself;
 * and a session that a person is about to approve.
 *
 * Owns that question alone, which userinfo, introspection and the pages share; the token itself answers for nothing but its
 * signature.
 */

import { broker } from '../broker.ts'
import { type Family, isLive } from '../domain/family.ts'
import { isOfSession, type SessionAccessToken, type VerifiedAccessToken } from '../tokens/access-token.ts'
import { verifyAccessToken } from '../tokens/verify-access-token.ts'
import type { Call } from './call.ts'

/** Families created up to then are revoked; undefined: the client is gone, and with it all that it held. */
export async function revokedBefore({ application }: Call, clientId: string): Promise<number | undefined> {
  const client = await broker().registrations.client(application.name, clientId)
  return client && Math.max(application.revokedBefore, client.revokedBefore)
}

/** Whether ops have revoked all that its client, or its application, held when it began; or the client is gone. */
export async function isRevoked(call: Call, { clientId, createdAt }: Family): Promise<boolean> {
  const before = await revokedBefore(call, clientId)
  return before === undefined || createdAt <= before
}

/** The claims of a valid access token whose session, or client, is still there; undefined for anything else. */
export async function liveToken(call: Call, token: string): Promise<VerifiedAccessToken | undefined> {
  const claims = await verify(call, token)
  if (claims === undefined) return undefined
  if (isOfSession(claims)) return (await liveFamily(call, claims)) && claims
  return (await isClientLive(call, claims)) ? claims : undefined
}

/** The claims of a valid access token and the live family it belongs to; undefined for anything else. */
export async function liveSession(
  call: Call,
  token: string,
): Promise<{ claims: VerifiedAccessToken; family: Family } | undefined> {
  const claims = await verify(call, token)
  if (claims === undefined || !isOfSession(claims)) return undefined
  const family = await liveFamily(call, claims)
  return family && { claims, family }
}

async function verify(call: Call, token: string): Promise<VerifiedAccessToken | undefined> {
  return verifyAccessToken(await broker().keyring(), call.issuer, token, call.now)
}

async function liveFamily(call: Call, claims: SessionAccessToken): Promise<Family | undefined> {
  const family = await broker().families.read(claims.sid)
  return family !== undefined && (await isFamilyLive(call, claims, family)) ? family : undefined
}

/** Whether this is the token's own family, and stands. */
export async function isFamilyLive(call: Call, { client_id: clientId }: SessionAccessToken, family: Family) {
  const before = await revokedBefore(call, clientId)
  const isOwn = family.application === call.application.name && family.clientId === clientId
  return isOwn && before !== undefined && isLive(family, before, call.now)
}

/** Nothing is kept of such a token, so what ends it is what its client loses: its registration, the grant, or all it has. */
async function isClientLive(call: Call, { client_id, iat }: VerifiedAccessToken): Promise<boolean> {
  const { name, revokedBefore } = call.application
  const client = await broker().registrations.client(name, client_id)
  if (!client?.grants.includes('client_credentials')) return false
  return iat * 1000 > Math.max(revokedBefore, client.revokedBefore)
}
