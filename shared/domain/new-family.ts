/** A family's first item. Pure: time, ids and the salt are handed in. */

import { normalisedAudience } from './audience.ts'
import type { Family, Limits, Person } from './family.ts'
import { retentionSeconds, subjectKey } from './family.ts'
import type { Moment } from './transitions.ts'

type NewFamily = Moment & {
  readonly sid: string
  readonly saltHash: string
  readonly application: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly audiences: readonly string[]
  readonly startedFrom: string
  /** The lifetime of the device code or authorization code. */
  readonly codeLifetimeSeconds: number
  readonly limits: Limits
}

export type NewDeviceFamily = NewFamily & {
  readonly intervalSeconds: number
  /** The provider's device code, sealed; absent unless the person uses the provider's device flow. */
  readonly deviceLogin?: string | undefined
}

/** RFC 8628 §3.2: a family whose person has not decided yet. */
export function createDeviceFamily(opening: NewDeviceFamily): Family {
  const pollIntervalMs = opening.intervalSeconds * 1000
  const { deviceLogin } = opening
  return {
    ...commonAttributes(opening),
    ...(deviceLogin !== undefined && { deviceLogin }),
    flow: 'device',
    state: 'pending',
    pollIntervalMs,
    nextPollAt: 0, // The first poll is never too early, whatever the clock of the Lambda that serves it.
  }
}

export type NewCodeFamily = NewFamily & {
  readonly person: Person
  readonly emailHash?: string | undefined
  readonly redirectUri: string
  readonly codeChallenge?: string | undefined
  readonly nonce?: string | undefined
  readonly vault?: string | undefined
}

/** RFC 6749 §4.1.2: a family whose person has signed in. Its authorization code is generation 0. */
export function createCodeFamily(opening: NewCodeFamily): Family {
  const { application, person, emailHash, redirectUri, codeChallenge, nonce, vault } = opening
  return {
    ...commonAttributes(opening),
    flow: 'code',
    state: 'approved',
    person,
    subject: subjectKey(application, person.sub),
    ...(emailHash !== undefined && { byEmail: emailHash }),
    redirectUri,
    ...(codeChallenge !== undefined && { codeChallenge }),
    ...(nonce !== undefined && { nonce }),
    ...(vault !== undefined && { vault }),
  }
}

function commonAttributes(opening: NewFamily) {
  const { sid, saltHash, application, clientId, scopes, audiences, startedFrom, writeId, now, limits } = opening
  const codeExpiresAt = now + opening.codeLifetimeSeconds * 1000
  const lifetimeSeconds = scopes.includes('offline_access') ? limits.absoluteSeconds : limits.accessTokenSeconds
  return {
    sid,
    version: 1,
    application,
    clientId,
    generation: 0,
    saltHash,
    writeId,
    scopes,
    audiences: audiences.map(normalisedAudience),
    createdAt: now,
    startedFrom,
    codeExpiresAt,
    sessionLifetimeMs: lifetimeSeconds * 1000,
    // An access token issued at the last moment may outlive its session.
    lingerSeconds: lifetimeSeconds + limits.accessTokenSeconds + retentionSeconds,
    expires: Math.ceil(codeExpiresAt / 1000) + retentionSeconds,
  } as const
}
