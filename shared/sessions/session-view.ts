/** A session as ops see it. It shows no credential, no hash of one and no write id. */

import { type Family, subOf } from '../domain/family.ts'
import { type Registration, sessionStatus } from '../domain/session-status.ts'

/** Times are ISO 8601, UTC. */
export type SessionView = {
  readonly sid: string
  readonly application: string
  readonly client_id: string
  /** Once somebody has signed in. */
  readonly sub?: string
  /** As the provider told it at the sign-in, where the application keeps it; gone once ops have ended the session. */
  readonly name?: string
  readonly email?: string
  readonly flow: Family['flow']
  readonly state: ReturnType<typeof sessionStatus>['state']
  readonly scopes: readonly string[]
  readonly audiences: readonly string[]
  readonly created_at: string
  readonly started_from: string
  readonly refreshes: number
  readonly last_refreshed_at?: string
  /** The earlier of the idle and the absolute end; of a code that is out, that one's. Not for what was revoked or denied. */
  readonly expires_at?: string
  readonly absolute_expires_at?: string
  readonly revoked_at?: string
  readonly revoked_reason?: string
  /** Who of ops ended it, by AWS's word. */
  readonly revoked_by?: string
  readonly revoked_note?: string
}

export function sessionView(family: Family, registration: Registration, now: number): SessionView {
  const { generation, rotatedAt, absoluteExpiresAt, revokedBy, revokedNote } = family
  const { name, email } = family.person?.claims ?? {}
  const { state, expiresAt, revokedAt, revokedReason } = sessionStatus(family, registration, now)
  const sub = subOf(family)
  return {
    sid: family.sid,
    application: family.application,
    client_id: family.clientId,
    ...(sub !== undefined && { sub }),
    ...(typeof name === 'string' && { name }),
    ...(typeof email === 'string' && { email }),
    flow: family.flow,
    state,
    scopes: family.scopes,
    audiences: family.audiences,
    created_at: isoTimestamp(family.createdAt),
    started_from: family.startedFrom,
    // Generation 1 is the first refresh token, which came of no refresh.
    refreshes: Math.max(0, generation - 1),
    ...(generation > 1 && rotatedAt !== undefined && { last_refreshed_at: isoTimestamp(rotatedAt) }),
    ...(expiresAt !== undefined && { expires_at: isoTimestamp(expiresAt) }),
    ...(absoluteExpiresAt !== undefined && { absolute_expires_at: isoTimestamp(absoluteExpiresAt) }),
    ...(revokedAt !== undefined && { revoked_at: isoTimestamp(revokedAt) }),
    ...(revokedReason !== undefined && { revoked_reason: revokedReason }),
    ...(revokedBy !== undefined && { revoked_by: revokedBy }),
    ...(revokedNote !== undefined && { revoked_note: revokedNote }),
  }
}

export function isoTimestamp(ms: number): string {
  return new Date(ms).toISOString()
}
