/**
 * Families in every state, and what their holders show.
 *
 * Owns the sample values alone: each family is as the transitions would have left it at `now`.
 */

import { hashSalt } from '../../shared/domain/credential.ts'
import type { Family, Person } from '../../shared/domain/family.ts'
import { subjectKey } from '../../shared/domain/family.ts'
import type { CodeBinding, SessionPolicy, VerifiedCredential } from '../../shared/domain/single-use.ts'

/** The moment at which all of this is looked at. */
export const now = Date.UTC(2026, 0, 15, 12)
export const second = 1_000

export const sid = Buffer.alloc(16, 1).toString('base64url')
export const salt = Buffer.alloc(16, 2).toString('base64url')
export const saltHash = hashSalt(salt)

export const person: Person = { sub: 'ada', claims: { name: 'Ada' }, authTimeSeconds: now / 1000 - 90 }
export const binding: CodeBinding = { redirectUri: 'https://app.example/cb', codeChallenge: 'c'.repeat(43) }

/** Idle ends after 100 s, the session after 1000 s, no grace, nothing revoked by ops. */
export const policy: SessionPolicy = {
  accessTokenSeconds: 60,
  idleSeconds: 100,
  absoluteSeconds: 1000,
  graceSeconds: 0,
  revokedBefore: 0,
  audiences: ['https://api.example.test'],
}

/** Of the given generation, by the family's own client. */
export function credential(generation: number, changes: Partial<VerifiedCredential> = {}): VerifiedCredential {
  return { application: 'demo', clientId: 'cli', sid, saltHash, generation, ...changes }
}

/** A device flow that waits for its person; the next poll is due right now. */
export function pending(changes: Partial<Family> = {}): Family {
  return {
    ...opened(now - 60 * second),
    flow: 'device',
    state: 'pending',
    codeExpiresAt: now + 840 * second,
    pollIntervalMs: 5 * second,
    nextPollAt: now,
    ...changes,
  }
}

export function denied(changes: Partial<Family> = {}): Family {
  const { pollIntervalMs: _, nextPollAt: __, ...waiting } = pending()
  return { ...waiting, state: 'denied', ...changes }
}

/** A device flow that its person has approved. */
export function approved(changes: Partial<Family> = {}): Family {
  return { ...denied(), state: 'approved', person, subject: subjectKey('demo', person.sub), ...changes }
}

/** An authorization code that is out. */
export function codeIssued(changes: Partial<Family> = {}): Family {
  return {
    ...approved(),
    ...binding,
    flow: 'code',
    createdAt: now - 10 * second,
    codeExpiresAt: now + 50 * second,
    nonce: 'n-0S6_WzA2Mj',
    ...changes,
  }
}

/** A session whose refresh token of this generation was made 3 s ago. */
export function active(generation: number, changes: Partial<Family> = {}): Family {
  return {
    ...approved(),
    state: 'active',
    generation,
    rotatedAt: now - 3 * second,
    absoluteExpiresAt: now + 900 * second,
    ...changes,
  }
}

export function revoked(changes: Partial<Family> = {}): Family {
  return { ...active(3), state: 'revoked', revokedAt: now - second, revokedReason: 'client', ...changes }
}

function opened(createdAt: number) {
  return {
    sid,
    version: 1,
    application: 'demo',
    clientId: 'cli',
    generation: 0,
    saltHash,
    writeId: 'an earlier write',
    scopes: ['openid', 'email', 'offline_access'],
    audiences: ['https://api.example.test'],
    createdAt,
    startedFrom: '192.0.2.7',
    sessionLifetimeMs: 1000 * second,
    lingerSeconds: 1000 + 60 + 86_400,
    expires: now / 1000 + 90_000,
  } as const
}
