/**
 * How a session stands at a moment: its state as ops see it, when it ends, or how it ended.
 *
 * Owns what only a comparison tells: that it has expired, and that ops revoked it along with all of its client or
 * application. Pure. Must not know how that is shown.
 */

import type { Family, FamilyState, RevocationReason } from './family.ts'
import type { Application, Client } from './registration.ts'

export type SessionStatus = {
  readonly state: FamilyState | 'expired'
  /** When a session that can go on ends if nobody touches it, or when one ended by itself; ms. */
  readonly expiresAt?: number | undefined
  readonly revokedAt?: number | undefined
  readonly revokedReason?: RevocationReason | 'ops:client' | 'ops:application' | 'client-removed' | undefined
}

/** What is registered about a session now; without `client` that one is registered no more. */
export type Registration = {
  readonly application: Pick<Application, 'revokedBefore'>
  readonly client?: Pick<Client, 'revokedBefore' | 'idleSeconds'> | undefined
}

export function sessionStatus(family: Family, registration: Registration, now: number): SessionStatus {
  const { state, revokedAt, revokedReason } = family
  if (state === 'revoked') return { state, revokedAt, revokedReason }
  if (state === 'denied') return { state }
  const sweeping = revokedWithOthers(family, registration)
  if (sweeping !== undefined) return sweeping
  // Nobody can show anything of it any more, and a client that is registered anew under that name does not get it back.
  if (registration.client === undefined) return { state: 'revoked', revokedReason: 'client-removed' }
  const expiresAt = endOf(family, registration.client.idleSeconds)
  return { state: expiresAt > now ? state : 'expired', expiresAt }
}

/** By the earlier of the two, if both are after its beginning. */
function revokedWithOthers({ createdAt }: Family, { application, client }: Registration): SessionStatus | undefined {
  const [first] = [
    { revokedAt: client?.revokedBefore ?? 0, revokedReason: 'ops:client' } as const,
    { revokedAt: application.revokedBefore, revokedReason: 'ops:application' } as const,
  ]
    .filter(({ revokedAt }) => revokedAt >= createdAt)
    .sort((one, other) => one.revokedAt - other.revokedAt)
  return first && { state: 'revoked', ...first }
}

/** The end of what can happen next: of the code as long as that is out, then of the refresh token or the whole session. */
function endOf({ state, codeExpiresAt, rotatedAt, absoluteExpiresAt }: Family, idleSeconds: number): number {
  if (state !== 'active') return codeExpiresAt ?? 0
  return Math.min((rotatedAt ?? 0) + idleSeconds * 1000, absoluteExpiresAt ?? 0)
}
