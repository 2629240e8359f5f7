/**
 * How a family moves: each transition as data, its preconditions beside the refusal that each one means.
 *
 * Owns the transitions; the rules that they share are single-use.ts. Pure: time and ids are handed in. Must not know
 * DynamoDB: the store turns `guards` into one condition and the rest into one update, and `explain` reads the same
 * guards against the item that came back. So what is enforced and what is reported cannot drift apart.
 *
 *     caller                     store                            item
 *     rotate(gen n) ──write──►   condition: all guards hold  ──►  generation n+1, write id A      answer: success
 *     rotate(gen n) ──write──►   condition fails, item comes back
 *                                  write id is ours           ──►  our own success, seen twice    answer: success
 *                                  the one before is ours    ──►  superseded: it went on since   answer: refusal, no kill
 *                                  generation n+1, in grace  ──►  the same successor             answer: grace retry
 *                                  generation beyond         ──►  reuse: revoke                  answer: refusal
 */

import type { Family, Person, RevocationReason } from './family.ts'
import { subjectKey } from './family.ts'
import type { GraceRetry, Guard } from './guard.ts'
import { firstFailure } from './guard.ts'
import type { Refusal } from './refusal.ts'
import type { CodeBinding, Entitlement, RequestedAccess, SessionPolicy, VerifiedCredential } from './single-use.ts'
import {
  codeGuards,
  createdAfter,
  ofApplication,
  ownedBy,
  requestedAccessGuards,
  unspent,
  withinLimits,
} from './single-use.ts'

/** RFC 8628 §3.5: what slow_down adds to the interval, and where we stop adding. A provider's own may be longer still. */
const slowDownMs = 5_000
export const maxPollIntervalMs = 60_000
/** Clients' timers jitter; a poll this much too early is not too early. */
export const pollToleranceMs = 1_000

export type Transition = {
  readonly name:
    | 'recordPoll'
    | 'increaseInterval'
    | 'expireDeviceCode'
    | 'decide'
    | 'redeem'
    | 'rotate'
    | 'revoke'
    | 'markProviderNotified'
  readonly sid: string
  /** Fresh for each call, the same for each retry of it. */
  readonly writeId: string
  /** In the order in which a failure is explained. */
  readonly guards: readonly Guard[]
  readonly set: Partial<Family>
  /** Attributes set to what another one held before. */
  readonly copy?: Readonly<Partial<Record<keyof Family, keyof Family>>>
  /** Attributes set to another attribute plus a number, added by the table itself so that nothing need be read first. */
  readonly sum?: Readonly<Partial<Record<keyof Family, readonly [of: keyof Family, plus: number]>>>
  readonly remove?: readonly (keyof Family)[]
}

/** Why a condition did not hold. */
export type Verdict = Refusal | GraceRetry

/** Each write that others may follow before its answer is seen keeps the id of the one before it. */
const keepPreviousWriteId = { previousWriteId: 'writeId' } as const

export type Moment = { readonly now: number; readonly writeId: string }

// --- touch, slow ----------------------------------------------------------------------------------------------------

/**
 * A poll while the person has not decided (RFC 8628 §3.4): records itself, so that the next one can be too early.
 * Its verdict on an approved family is `decided`, upon which the caller redeems.
 */
export function recordPoll(
  credential: VerifiedCredential,
  policy: SessionPolicy,
  { now, writeId }: Moment,
): Transition {
  return {
    name: 'recordPoll',
    sid: credential.sid,
    writeId,
    guards: [
      ...ownedBy(credential),
      ...unspent(credential, policy, now, () => undefined),
      {
        attribute: 'state',
        is: '=',
        value: 'pending',
        onFailure: (family) =>
          family.state === 'denied'
            ? { kind: 'denied' }
            : (family.codeExpiresAt ?? 0) <= now
              ? { kind: 'expired-device-code' }
              : { kind: 'decided' },
      },
      { attribute: 'codeExpiresAt', is: '>', value: now, onFailure: () => ({ kind: 'expired-device-code' }) },
      createdAfter(policy.revokedBefore),
      {
        attribute: 'nextPollAt',
        is: '<=',
        value: now,
        onFailure: (family) => ({ kind: 'too-early', pollIntervalMs: family.pollIntervalMs ?? 0 }),
      },
    ],
    set: { writeId },
    sum: { nextPollAt: ['pollIntervalMs', now - pollToleranceMs] },
  }
}

/**
 * After a poll that came too early: the interval grows for good (RFC 8628 §3.5). It sets what it means to set only while
 * the interval is the one it saw, so a retry, or a second early poll at the same moment, adds nothing twice.
 */
export function increaseInterval(
  credential: VerifiedCredential,
  seenPollIntervalMs: number,
  { now, writeId }: Moment,
): Transition {
  const pollIntervalMs = Math.min(seenPollIntervalMs + slowDownMs, maxPollIntervalMs)
  return {
    name: 'increaseInterval',
    sid: credential.sid,
    writeId,
    guards: [
      ...ownedBy(credential),
      { attribute: 'state', is: '=', value: 'pending', onFailure: () => ({ kind: 'decided' }) },
      {
        attribute: 'pollIntervalMs',
        is: '=',
        value: seenPollIntervalMs,
        onFailure: (family) => ({ kind: 'too-early', pollIntervalMs: family.pollIntervalMs ?? 0 }),
      },
    ],
    set: { writeId, pollIntervalMs, nextPollAt: now + pollIntervalMs - pollToleranceMs },
  }
}

// --- decide ---------------------------------------------------------------------------------------------------------

/** What a person decides about a device, once they have signed in. `codeExpiresAt`: as it was before any `expireDeviceCode`. */
export type Decision =
  | {
      readonly approve: Person
      readonly emailHash?: string | undefined
      readonly vault?: string | undefined
      readonly codeExpiresAt?: number
    }
  | { readonly deny: true }

/** The person's decision about the device whose user code leads to this family (RFC 8628 §3.3). */
export function decide(application: string, sid: string, decision: Decision, { now, writeId }: Moment): Transition {
  return {
    name: 'decide',
    sid,
    writeId,
    guards: [
      ofApplication(application),
      { attribute: 'state', is: '=', value: 'pending', onFailure: () => ({ kind: 'decided' }) },
      { attribute: 'codeExpiresAt', is: '>', value: now, onFailure: () => ({ kind: 'expired-device-code' }) },
    ],
    set:
      'deny' in decision
        ? { writeId, state: 'denied' }
        : {
            writeId,
            state: 'approved',
            person: decision.approve,
            subject: subjectKey(application, decision.approve.sub),
            ...(decision.emailHash !== undefined && { byEmail: decision.emailHash }),
            ...(decision.vault !== undefined && { vault: decision.vault }),
            ...(decision.codeExpiresAt !== undefined && { codeExpiresAt: decision.codeExpiresAt }),
          },
    copy: keepPreviousWriteId,
    remove: ['nextPollAt', 'pollIntervalMs', 'deviceLogin'],
  }
}

// --- redeem, rotate -------------------------------------------------------------------------------------------------

/**
 * Generation 0 becomes 1: a device code, or an authorization code with its binding, is exchanged for the first tokens.
 *
 * @param audiences asked for now, each of which must have been granted; empty: all that were granted
 */
export function redeem(
  credential: VerifiedCredential,
  policy: SessionPolicy,
  binding: CodeBinding | undefined,
  { now, writeId }: Moment,
  audiences: readonly string[] = [],
): Transition {
  const bound = [...(binding === undefined ? [] : codeGuards(binding)), ...requestedAccessGuards({ audiences }, policy)]
  const unboundRefusal = (family: Family) => firstFailure(bound, family)
  return {
    name: 'redeem',
    sid: credential.sid,
    writeId,
    guards: [
      ...ownedBy(credential),
      ...unspent(credential, policy, now, unboundRefusal),
      {
        attribute: 'state',
        is: '=',
        value: 'approved',
        onFailure: (family) => (family.state === 'denied' ? { kind: 'denied' } : { kind: 'pending' }),
      },
      {
        attribute: 'codeExpiresAt',
        is: '>',
        value: now,
        onFailure: (family) => ({ kind: family.flow === 'device' ? 'expired-device-code' : 'expired' }),
      },
      createdAfter(policy.revokedBefore),
      ...bound,
    ],
    set: {
      writeId,
      state: 'active',
      generation: 1,
      rotatedAt: now,
    },
    copy: keepPreviousWriteId,
    // The session's end is fixed here, by the table itself: what was granted, and so how long it lasts, was not read.
    sum: {
      absoluteExpiresAt: ['sessionLifetimeMs', now],
      expires: ['lingerSeconds', Math.ceil(now / 1000)],
    },
  }
}

/** A code's binding and what the session's end was made of have served their purpose then; without them the item is small. */
const neededUntilFirstRefresh = [
  'codeExpiresAt',
  'redirectUri',
  'codeChallenge',
  'nonce',
  'sessionLifetimeMs',
  'lingerSeconds',
] as const

/**
 * Generation n becomes n + 1: a refresh token is exchanged for its successor (RFC 6749 §6, RFC 9700 §4.14.2).
 *
 * @param asked for at this refresh, all of which must have been granted
 */
export function rotate(
  credential: VerifiedCredential,
  policy: SessionPolicy,
  asked: RequestedAccess,
  { now, writeId }: Moment,
): Transition {
  const narrowed = requestedAccessGuards(asked, policy)
  const unboundRefusal = (family: Family) => firstFailure([...withinLimits(policy, now), ...narrowed], family)
  return {
    name: 'rotate',
    sid: credential.sid,
    writeId,
    guards: [
      ...ownedBy(credential),
      ...unspent(credential, policy, now, unboundRefusal),
      { attribute: 'state', is: '=', value: 'active', onFailure: () => ({ kind: 'unknown' }) },
      ...withinLimits(policy, now),
      ...narrowed,
    ],
    set: {
      writeId,
      generation: credential.generation + 1,
      rotatedAt: now,
    },
    copy: keepPreviousWriteId,
    remove: credential.generation === 1 ? neededUntilFirstRefresh : [],
  }
}

// --- revoke ---------------------------------------------------------------------------------------------------------

type OwnReason = Exclude<RevocationReason, 'ops'>

/**
 * The end of a family, whatever its generation. Nothing moves it afterwards.
 *
 * @param atProvider whether the provider is to hear of it; marked in the same write, so that it is never forgotten
 */
export function revoke(by: Entitlement, reason: OwnReason, moment: Moment, atProvider = false): Transition {
  return {
    name: 'revoke',
    sid: by.sid,
    writeId: moment.writeId,
    guards: [...ownedBy(by), notEnded],
    set: ended(reason, moment, atProvider),
    remove: ['nextPollAt', 'pollIntervalMs', 'previousWriteId', 'deviceLogin'],
  }
}

/** The same by word of ops, who hold no credential and are no client. The person's claims make room for who and why. */
export function revokeByOps(
  application: string,
  sid: string,
  by: { readonly actor: string; readonly note?: string | undefined },
  moment: Moment,
  atProvider = false,
): Transition {
  return {
    name: 'revoke',
    sid,
    writeId: moment.writeId,
    guards: [ofApplication(application), notEnded],
    set: {
      ...ended('ops', moment, atProvider),
      revokedBy: by.actor.slice(-maxActorLength),
      ...(by.note !== undefined && { revokedNote: by.note }),
    },
    remove: ['nextPollAt', 'pollIntervalMs', 'previousWriteId', 'person', 'deviceLogin'],
  }
}

/** The item stays under a kilobyte with it. The end of an ARN is what names the person; the audit has it whole. */
const maxActorLength = 112

function ended(revokedReason: RevocationReason, { now, writeId }: Moment, atProvider: boolean): Partial<Family> {
  return {
    ...{ writeId, state: 'revoked', revokedAt: now, revokedReason },
    ...(atProvider && { revocationDue: 'provider' }),
  }
}

const notEnded: Guard = {
  attribute: 'state',
  is: 'in',
  values: ['pending', 'approved', 'active'],
  onFailure: () => ({ kind: 'revoked' }),
}

/** The provider has heard of the end of a family, or never can. */
export function markProviderNotified(sid: string, writeId: string): Transition {
  return {
    name: 'markProviderNotified',
    sid,
    writeId,
    guards: [{ attribute: 'revocationDue', is: '=', value: 'provider', onFailure: () => ({ kind: 'revoked' }) }],
    set: { writeId },
    remove: ['revocationDue', 'vault'],
  }
}

// --- foresee, explain --------------------------------------------------------------------------------------------------------

/**
 * What a transition would meet if it were written now: for those who must fetch something first, and should not for one
 * that is refused anyway. The write itself asks again.
 *
 * @returns the refusal; undefined: it would hold, or be answered as a grace retry
 */
export function precheck(transition: Transition, family: Family | undefined): Refusal | undefined {
  if (family === undefined) return { kind: 'unknown' }
  const verdict = firstFailure(transition.guards, family)
  return verdict?.kind === 'grace-retry' ? undefined : verdict
}

/**
 * Names why a transition's condition did not hold, from the item that came back with the failure. The store has checked
 * before that it was not held by an earlier try of the same call.
 *
 * @param family the item; undefined: there is none
 * @throws when every guard holds, for then the condition and the guards are not the same
 */
export function explain(transition: Transition, family: Family | undefined): Verdict {
  if (family === undefined) return { kind: 'unknown' }
  // A poll is followed by the decision on it, which it must then go on to; only what copies the id says what it was for.
  if (transition.copy !== undefined && family.previousWriteId === transition.writeId) return { kind: 'superseded' }
  const verdict = firstFailure(transition.guards, family)
  if (verdict === undefined) throw new Error(`the condition of ${transition.name} failed though each guard holds`)
  return verdict
}
