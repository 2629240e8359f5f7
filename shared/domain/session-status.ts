/** A session's status as ops see it: its state, and when it ends or how it ended. */

import type { Family, FamilyState, RevocationReason } from './family.ts'
import type { Application, Client } from './registration.ts'

export type SessionStatus = {
  readonly state: FamilyState | 'expired'
  /** When the session expires if it is not used, or when it expired; ms. */
  readonly expiresAt?: number | undefined
  readonly revokedAt?: number | undefined
  readonly revokedReason?: RevocationReason | 'ops:client' | 'ops:application' | 'client-removed' | undefined
}

/** The session's registration as it is now. @property client undefined: it is no longer registered */
export type Registration = {
  readonly application: Pick<Application, 'revokedBefore'>
  readonly client?: Pick<Client, 'revokedBefore' | 'idleSeconds'> | undefined
}

export function sessionStatus(family: Family, registration: Registration, now: number): SessionStatus {
  const { state, revokedAt, revokedReason } = family
  if (state === 'revoked') return { state, revokedAt, revokedReason }
  if (state === 'denied') return { state }
  const revokedByOps = revokedWithOthers(family, registration)
  if (revokedByOps !== undefined) return revokedByOps
  // No credential of it is accepted any more, not even if a client of the same name is registered again.
  if (registration.client === undefined) return { state: 'revoked', revokedReason: 'client-removed' }
  const expiresAt = endOf(family, registration.client.idleSeconds)
  return { state: expiresAt > now ? state : 'expired', expiresAt }
}

/** Revoked with all sessions of the client or application. If both apply, the earlier one counts. */
function revokedWithOthers({ createdAt }: Family, { application, client }: Registration): SessionStatus | undefined {
  const [first] = [
    { revokedAt: client?.revokedBefore ?? 0, revokedReason: 'ops:client' } as const,
    { revokedAt: application.revokedBefore, revokedReason: 'ops:application' } as const,
  ]
    .filter(({ revokedAt }) => revokedAt >= createdAt)
    .sort((one, other) => one.revokedAt - other.revokedAt)
  return first && { state: 'revoked', ...first }
}

/** The expiry of the outstanding code; once that is redeemed, of the refresh token or the whole session. */
function endOf({ state, codeExpiresAt, rotatedAt, absoluteExpiresAt }: Family, idleSeconds: number): number {
  if (state !== 'active') return codeExpiresAt ?? 0
  return Math.min((rotatedAt ?? 0) + idleSeconds * 1000, absoluteExpiresAt ?? 0)
}
