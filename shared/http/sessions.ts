/**
 * Whether the session behind an access token still stands.
 *
 * Owns that question alone, which userinfo and introspection share; the token itself answers for nothing but its
 * signature.
 */

import { broker } from '../broker.ts'
import { type Family, isLive } from '../domain/family.ts'
import { type VerifiedAccessToken, verifyAccessToken } from '../tokens/access-token.ts'
import type { Call } from './call.ts'

/** Families created up to then are revoked; undefined: the client is gone, and with it all that it held. */
export async function revokedBefore({ application }: Call, clientId: string): Promise<number | undefined> {
  const client = await broker().registrations.client(application.name, clientId)
  return client && Math.max(application.revokedBefore, client.revokedBefore)
}

/** The claims of a valid access token and the live family it belongs to; undefined for anything else. */
export async function liveSession(
  call: Call,
  token: string,
): Promise<{ claims: VerifiedAccessToken; family: Family } | undefined> {
  const claims = await verifyAccessToken(await broker().keyring(), call.issuer, token, call.now)
  if (claims === undefined) return undefined
  const [family, before] = await Promise.all([
    broker().families.read(claims.sid),
    revokedBefore(call, claims.client_id),
  ])
  const own = family?.application === call.application.name && family.clientId === claims.client_id
  if (!own || before === undefined || !isLive(family, before, call.now)) return undefined
  return { claims, family }
}
