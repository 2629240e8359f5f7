/**
 * The transitions of a family, as data: what each sets, and its preconditions with the refusal that each one means.
 *
 * Pure: time and ids are handed in. The store turns `guards` into the condition of one write. If the condition fails,
 * `explain` judges the same guards against the item that came back, so the condition and the explanation cannot differ.
 *
 *     caller                     store                            item
 *     rotate(gen n) ──write──►   all guards hold             ──►  generation n+1, write id A      answer: success
 *     rotate(gen n) ──write──►   a guard fails, and the item comes back
 *                                  its write id is ours      ──►  our own write, sent again       answer: success
 *                                  its previous id is ours   ──►  superseded by a later write     answer: invalid_grant
 *                                  generation n+1, in grace  ──►  the same successor              answer: success
 *                                  any other generation      ──►  reuse: revoke the family        answer: invalid_grant
 */

import { nextMark, revocationMarks, revocationRetentionSeconds } from './due-revocation.ts'
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

/** RFC 8628 §3.5: slow_down adds 5 s to the interval. */
const slowDownMs = 5_000
/** The interval grows no further than this. A provider's own interval may be longer. */
export const maxPollIntervalMs = 60_000
/** Clients' timers jitter, so a poll may be this much early. */
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
    | 'eraseClaims'
    | 'markProviderNotified'
    | 'postponeRevocation'
  readonly sid: string
  /** New for each call, the same for each retry of it. */
  readonly writeId: string
  /** The first guard that fails explains the failure. */
  readonly guards: readonly Guard[]
  readonly set: Partial<Family>
  /** Attributes that get the previous value of another attribute. */
  readonly copy?: Readonly<Partial<Record<keyof Family, keyof Family>>>
  /** Attributes that become another attribute plus a number. DynamoDB adds, so nothing is read first. */
  readonly sum?: Readonly<Partial<Record<keyof Family, readonly [of: keyof Family, plus: number]>>>
  readonly remove?: readonly (keyof Family)[]
}

/** Why a transition's condition failed. */
export type Verdict = Refusal | GraceRetry

/**
 * If the answer to a write is lost, another call may move the family on before the retry. The item then still holds the write
 * id of the lost one.
 */
const keepPreviousWriteId = { previousWriteId: 'writeId' } as const

export type Moment = { readonly now: number; readonly writeId: string }

// --- recordPoll, increaseInterval -----------------------------------------------------------------------------------

/**
 * Records a poll while the person has not decided (RFC 8628 §3.4), so that a poll that follows too soon is noticed.
 * On an approved family the refusal is `decided`, and the caller redeems.
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
 * Increases the interval after a poll that came too early (RFC 8628 §3.5). The write requires the interval that the poll saw,
 * so neither a retry nor a second early poll at the same moment adds to it twice.
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

/**
 * The person's decision about a device.
 *
 * @property codeExpiresAt restores the lifetime of the device code, ms, which a concurrent `expireDeviceCode` may have cut
 */
export type Decision =
  | {
      readonly approve: Person
      readonly emailHash?: string | undefined
      readonly vault?: string | undefined
      readonly codeExpiresAt?: number
    }
  | { readonly deny: true }

/** Writes the person's decision (RFC 8628 §3.3). Only the first decision, within the device code's lifetime, counts. */
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
 * Generation 0 becomes 1: a device code (RFC 8628 §3.4) or an authorization code (RFC 6749 §4.1.3) is exchanged.
 *
 * @param binding of an authorization code; undefined for a device code
 * @param audiences requested, all of which must have been granted; empty: all that were granted
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
    // DynamoDB computes the end of the session, because the lifetime that was granted has not been read.
    sum: {
      absoluteExpiresAt: ['sessionLifetimeMs', now],
      expires: ['lingerSeconds', Math.ceil(now / 1000)],
    },
  }
}

/** The first refresh removes what only the redemption needed, so that the item stays small. */
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
 * @param requested scopes and audiences for this access token, all of which must have been granted
 */
export function rotate(
  credential: VerifiedCredential,
  policy: SessionPolicy,
  requested: RequestedAccess,
  { now, writeId }: Moment,
): Transition {
  const accessGuards = requestedAccessGuards(requested, policy)
  const unboundRefusal = (family: Family) => firstFailure([...withinLimits(policy, now), ...accessGuards], family)
  return {
    name: 'rotate',
    sid: credential.sid,
    writeId,
    guards: [
      ...ownedBy(credential),
      ...unspent(credential, policy, now, unboundRefusal),
      { attribute: 'state', is: '=', value: 'active', onFailure: () => ({ kind: 'unknown' }) },
      ...withinLimits(policy, now),
      ...accessGuards,
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
 * Ends a family, whatever its generation. No transition leads out of `revoked`.
 *
 * @param atProvider whether the provider must be told; the same write marks it, so that it cannot be forgotten
 */
export function revoke(by: Entitlement, reason: OwnReason, moment: Moment, atProvider = false): Transition {
  return {
    name: 'revoke',
    sid: by.sid,
    writeId: moment.writeId,
    guards: [...ownedBy(by), notEnded],
    set: ended(reason, moment, atProvider),
    ...(atProvider && keptForProvider),
    remove: ['nextPollAt', 'pollIntervalMs', 'previousWriteId', 'deviceLogin'],
  }
}

/**
 * Ends a family by order of ops, without a credential or a client. The item loses the person's claims to make room for the
 * actor and the note.
 *
 * @param by the actor's ARN, and their reason
 */
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
    ...(atProvider && keptForProvider),
    remove: ['nextPollAt', 'pollIntervalMs', 'previousWriteId', 'person', 'deviceLogin'],
  }
}

/** Keeps the item under 1 KB. The end of an ARN names the person; the audit log has the whole ARN. */
const maxActorLength = 112

function ended(revokedReason: RevocationReason, { now, writeId }: Moment, atProvider: boolean): Partial<Family> {
  return {
    writeId,
    state: 'revoked',
    revokedAt: now,
    revokedReason,
    ...(atProvider && { revocationDue: 'provider' }),
  }
}

/** The item outlasts the tries to tell the provider. A session without `offline_access` would be gone after a day. */
const keptForProvider = { sum: { expires: ['expires', revocationRetentionSeconds] } } as const

const notEnded: Guard = {
  attribute: 'state',
  is: 'in',
  values: ['pending', 'approved', 'active'],
  onFailure: () => ({ kind: 'revoked' }),
}

/** Deletes the person's claims from a family that ended without ops. */
export function eraseClaims(application: string, sid: string, writeId: string): Transition {
  return {
    name: 'eraseClaims',
    sid,
    writeId,
    guards: [
      ofApplication(application),
      { attribute: 'state', is: 'in', values: ['revoked'], onFailure: () => ({ kind: 'revoked' }) },
    ],
    set: { writeId },
    remove: ['person'],
  }
}

/** Clears the mark once the provider has revoked its tokens, or never can. */
export function markProviderNotified(sid: string, writeId: string): Transition {
  return {
    name: 'markProviderNotified',
    sid,
    writeId,
    guards: [
      {
        attribute: 'revocationDue',
        is: 'in',
        values: revocationMarks.map(({ due }) => due),
        onFailure: () => ({ kind: 'revoked' }),
      },
    ],
    set: { writeId },
    remove: ['revocationDue', 'vault'],
  }
}

/**
 * Postpones the next try after the provider could not be told. The mark must be the one that this try has seen.
 *
 * @returns undefined: there is no later time, so the family stays where it is
 */
export function postponeRevocation(
  { sid, revokedAt, revocationDue }: Pick<Required<Family>, 'sid' | 'revokedAt' | 'revocationDue'>,
  { now, writeId }: Moment,
): Transition | undefined {
  const next = nextMark(revokedAt, now)
  if (next === undefined) return undefined
  return {
    name: 'postponeRevocation',
    sid,
    writeId,
    guards: [{ attribute: 'revocationDue', is: '=', value: revocationDue, onFailure: () => ({ kind: 'revoked' }) }],
    set: { writeId, revocationDue: next },
  }
}

// --- precheck, explain ----------------------------------------------------------------------------------------------

/**
 * Whether a transition would be refused now. A caller that must ask the provider first does not do so for a refused
 * credential. The write checks the guards again.
 *
 * @returns the refusal; undefined: the transition would succeed, or count as a grace retry
 */
export function precheck(transition: Transition, family: Family | undefined): Refusal | undefined {
  if (family === undefined) return { kind: 'unknown' }
  const verdict = firstFailure(transition.guards, family)
  return verdict?.kind === 'grace-retry' ? undefined : verdict
}

/**
 * Explains a failed condition by the item that came back with the failure. The store has already checked that the item's
 * write id is not this call's own.
 *
 * @param family undefined: there is no item
 * @throws when every guard holds, because the condition and the guards then differ
 */
export function explain(transition: Transition, family: Family | undefined): Verdict {
  if (family === undefined) return { kind: 'unknown' }
  // Only a transition that copies the write id can be superseded. After a poll the next write is the decision, and the poll's
  // caller goes on to redeem it.
  if (transition.copy !== undefined && family.previousWriteId === transition.writeId) return { kind: 'superseded' }
  const verdict = firstFailure(transition.guards, family)
  if (verdict === undefined) throw new Error(`the condition of ${transition.name} failed though each guard holds`)
  return verdict
}
