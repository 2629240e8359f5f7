/**
 * Bugs that are planted to see whether the simulation finds them. Each is a change at a seam: of a request on its way to
 * DynamoDB, or of a part that an instance works with.
 */

import type { MacKey } from '../../shared/domain/credential.ts'
import type { Family } from '../../shared/domain/family.ts'
import { precheck, type Transition } from '../../shared/domain/transitions.ts'
import { log } from '../../shared/log.ts'
import type { Parts } from '../../shared/parts.ts'
import { randomId } from '../../shared/random.ts'
import type { Outcome } from '../../shared/store/families.ts'
import type { Call } from './broker.ts'
import type { InvariantName } from './invariant-names.ts'
import type { Sender } from './network.ts'
import type { PlantedBug } from './world.ts'

export type PlantedBugEntry = {
  readonly says: string
  /** The invariant that it violates. Others may be violated as well. */
  readonly shows: InvariantName
  /** It is found within so many schedules. */
  readonly within: number
  /** Makes it anew for each run, since some keep a state. */
  readonly plant: () => PlantedBug
}

type Input = Record<string, unknown>
type Names = Readonly<Record<string, string>>

/** Takes every comparison of one attribute out of a condition: it becomes one that always holds. */
function withoutGuard(attribute: string, only: (input: Input) => boolean = () => true): PlantedBug['rewrite'] {
  return (operation, input) => {
    const { ConditionExpression: condition, ExpressionAttributeNames: names } = input as {
      ConditionExpression?: string
      ExpressionAttributeNames?: Names
    }
    const placeholder = Object.entries(names ?? {}).find(([, name]) => name === attribute)?.[0]
    if (operation !== 'UpdateItem' || condition === undefined || placeholder === undefined || !only(input)) return input
    const always = `(attribute_exists(pk) OR attribute_not_exists(pk))`
    const compared = new RegExp(`${placeholder}(?![0-9]) (=|<=|>=|<|>) (:v[0-9]+)`, 'g')
    const among = new RegExp(`${placeholder}(?![0-9]) IN \\(([^)]*)\\)`, 'g')
    // The values stay in use, so that the request is still well-formed.
    const rewritten = condition
      .replace(compared, (_, __, value: string) => `(${always} OR ${placeholder} = ${value})`)
      .replace(among, (_, list: string) => `(${always} OR ${placeholder} IN (${list}))`)
    return { ...input, ConditionExpression: rewritten }
  }
}

function isOf(kind: 'family' | 'provider'): (input: Input) => boolean {
  return ({ Key }) => (Key as { sk?: { S: string } } | undefined)?.sk?.S.startsWith(kind) === true
}

/** Sets the value of an attribute that an update sets. */
function withSet(
  attribute: string,
  value: (sent: string) => string,
  only: (sender: string) => boolean,
): PlantedBug['rewrite'] {
  return (operation, input, sender) => {
    if (operation !== 'UpdateItem' || !only(`${sender.key} ${JSON.stringify(input.Key)}`)) return input
    const { UpdateExpression: update = '', ExpressionAttributeNames: names = {} } = input as {
      UpdateExpression?: string
      ExpressionAttributeNames?: Names
    }
    const placeholder = Object.entries(names).find(([, name]) => name === attribute)?.[0]
    const set = new RegExp(`${placeholder} = (:v[0-9]+)`).exec(update)?.[1]
    if (placeholder === undefined || set === undefined) return input
    const values = input.ExpressionAttributeValues as Record<string, { S: string }>
    return { ...input, ExpressionAttributeValues: { ...values, [set]: { S: value(values[set]!.S) } } }
  }
}

function applying(apply: (transition: Transition, parts: Parts) => Promise<Outcome>): PlantedBug['alter'] {
  return (parts) => ({ families: { ...parts.families, apply: (transition) => apply(transition, parts) } })
}

function leaseChangedBy(ms: number): PlantedBug['alter'] {
  return ({ vaults }) => ({
    vaults: {
      ...vaults,
      swap: (vault, change, writeId) => {
        const { leaseUntil } = change.set
        const changed = leaseUntil === undefined ? change.set : { ...change.set, leaseUntil: leaseUntil + ms }
        return vaults.swap(vault, { ...change, set: changed }, writeId)
      },
    },
  })
}

/** The refresh token that a call presents. */
function presentedBy(sender: Sender): string | undefined {
  return 'request' in sender ? (sender as Call).request.form?.refresh_token : undefined
}

const isRotation = ({ name }: Transition) => name === 'rotate'

export const plantedBugs: Readonly<Record<string, PlantedBugEntry>> = {
  'lost-generation-guard': {
    says: 'The condition of a write does not compare the generation: a spent token rotates again.',
    shows: 'legal-history',
    within: 20,
    plant: () => ({ rewrite: withoutGuard('generation', isOf('family')) }),
  },
  'lost-state-guard': {
    says: 'The condition of a write does not compare the state: a revoked family goes on.',
    shows: 'legal-history',
    within: 50,
    plant: () => ({ rewrite: withoutGuard('state', isOf('family')) }),
  },
  'lost-revoked-before': {
    says: 'The condition does not compare `createdAt`: what an operator ended for a whole client goes on.',
    shows: 'ended-stays-ended',
    within: 200,
    plant: () => ({ rewrite: withoutGuard('createdAt', isOf('family')) }),
  },
  'lost-idle-guard': {
    says: 'The condition does not compare `rotatedAt`: an idle session can be refreshed.',
    shows: 'within-lifetimes',
    within: 200,
    plant: () => ({ rewrite: withoutGuard('rotatedAt', isOf('family')) }),
  },
  'lost-absolute-guard': {
    says: 'The condition does not compare the absolute end.',
    shows: 'within-lifetimes',
    within: 400,
    plant: () => ({ rewrite: withoutGuard('absoluteExpiresAt', isOf('family')) }),
  },
  'read-before-write': {
    says: 'A refresh reads the family, decides, and writes without a condition.',
    shows: 'legal-history',
    within: 100,
    plant: () => {
      const unconditional = new Set<string>()
      return {
        alter: applying(async (transition, { families }) => {
          if (!isRotation(transition)) return families.apply(transition)
          const family = await families.read(transition.sid)
          if (precheck(transition, family) === undefined && family?.generation === transition.set.generation! - 1) {
            unconditional.add(transition.writeId)
          }
          return families.apply(transition)
        }),
        rewrite: (operation, input) => {
          const values = Object.values((input.ExpressionAttributeValues ?? {}) as Record<string, { S?: string }>)
          if (operation !== 'UpdateItem' || !values.some(({ S }) => S !== undefined && unconditional.has(S)))
            return input
          const condition = `(attribute_exists(pk) OR attribute_not_exists(pk)) OR (${String(input.ConditionExpression)})`
          return { ...input, ConditionExpression: condition }
        },
      }
    },
  },
  'sliding-grace': {
    says: 'A retry within the grace makes the grace begin again.',
    shows: 'single-use',
    within: 200,
    plant: () => {
      const retriedAt = new Map<string, number>()
      return {
        alter: applying(async (transition, { families, now }) => {
          const known = retriedAt.get(transition.sid)
          const outcome = await families.apply(transition)
          if (outcome.done && outcome.isGraceRetry) retriedAt.set(transition.sid, now())
          if (outcome.done || known === undefined || outcome.refusal.kind !== 'reuse') return outcome
          const isNear =
            outcome.family !== undefined &&
            outcome.family.generation === transition.set.generation &&
            now() - known < 60_000
          return isNear ? { done: true, family: outcome.family!, isGraceRetry: true } : outcome
        }),
      }
    },
  },
  'ignored-grace': {
    says: 'A retry within the grace is taken for reuse.',
    shows: 'honest-keeps',
    within: 200,
    plant: () => ({
      alter: applying(async (transition, { families }) => {
        const outcome = await families.apply(transition)
        if (!outcome.done || !outcome.isGraceRetry) return outcome
        const { family } = outcome
        return { done: false, refusal: { kind: 'reuse', generation: family.generation }, family }
      }),
    }),
  },
  'unkilled-reuse': {
    says: 'Reuse is refused, and the family lives on.',
    shows: 'reuse-ends',
    within: 100,
    plant: () => ({
      alter: applying(async (transition, { families }) => {
        const isReuse = transition.name === 'revoke' && transition.set.revokedReason === 'reuse'
        if (!isReuse) return families.apply(transition)
        const family = await families.read(transition.sid)
        return family === undefined
          ? { done: false, refusal: { kind: 'unknown' }, family }
          : { done: true, family, isGraceRetry: false }
      }),
    }),
  },
  'retry-with-new-id': {
    says: "Each of the SDK's retries of a write has another write id: a lost answer looks like reuse.",
    shows: 'unavailable-spends-nothing',
    within: 400,
    plant: () => {
      const seenIds = new Set<string>()
      const fresh = (id: string) => {
        if (!seenIds.has(id)) {
          seenIds.add(id)
          return id
        }
        return randomId()
      }
      return { rewrite: withSet('writeId', fresh, (of) => of.includes('"family"')) }
    },
  },
  'lease-without-version': {
    says: 'The lease of a vault is taken whatever its revision: two functions ask the provider at once.',
    shows: 'provider-token-once',
    within: 150,
    plant: () => ({ rewrite: withoutGuard('revision', isOf('provider')) }),
  },
  'short-lease': {
    says: 'A lease ends after a second, while its holder may still wait for the provider.',
    shows: 'provider-token-once',
    within: 600,
    plant: () => ({ alter: leaseChangedBy(-24_000) }),
  },
  'answer-before-write': {
    says: 'A revocation is answered before its write has happened.',
    shows: 'silent-after-answer',
    within: 100,
    plant: () => ({
      alter: applying(async (transition, { families }) => {
        if (transition.name !== 'revoke') return families.apply(transition)
        families.apply(transition).catch(() => {})
        return { done: false, refusal: { kind: 'revoked' }, family: undefined }
      }),
    }),
  },
  'unread-lost-answer': {
    says: 'After a write whose every answer was lost, the session is said to be over instead of 503.',
    shows: 'no-fault-of-ours',
    within: 500,
    plant: () => ({
      alter: applying(async (transition, { families }) => {
        try {
          return await families.apply(transition)
        } catch {
          return { done: false, refusal: { kind: 'superseded' }, family: undefined }
        }
      }),
    }),
  },
  'registration-kept-for-ever': {
    says: 'A warm function never reads the registration again: an operator ends a client, and its sessions go on.',
    shows: 'ended-stays-ended',
    within: 200,
    plant: () => ({
      alter: ({ registrations }) => {
        const known = new Map<string, Promise<unknown>>()
        const once = <Found>(key: string, find: () => Promise<Found>) => {
          if (!known.has(key)) {
            const found = find()
            known.set(key, found)
            found.catch(() => known.delete(key))
          }
          return known.get(key) as Promise<Found>
        }
        return {
          registrations: {
            ...registrations,
            application: (name) => once(name, () => registrations.application(name)),
            client: (application, id) => once(`${application} ${id}`, () => registrations.client(application, id)),
          },
        }
      },
    }),
  },
  'keyring-kept-for-ever': {
    says: 'A warm function never reads the keyring again, and mints with a key that others no longer use.',
    shows: 'one-live-token',
    within: 200,
    plant: () => ({
      alter: ({ keyring }) => {
        let known: ReturnType<typeof keyring> | undefined
        return {
          keyring: () => {
            known ??= keyring()
            known.catch(() => {
              known = undefined
            })
            return known
          },
        }
      },
    }),
  },
  'unmarked-revocation': {
    says: 'The end of a session does not mark that the provider has to be told.',
    shows: 'provider-told',
    within: 100,
    plant: () => ({
      alter: applying(async (transition, { families }) => {
        if (transition.name !== 'revoke') return families.apply(transition)
        const { revocationDue: _, ...set } = transition.set
        return families.apply({ ...transition, set })
      }),
    }),
  },
  'credential-in-the-clear': {
    says: 'The table keeps a credential in the clear.',
    shows: 'no-secret-in-table',
    within: 20,
    plant: () => {
      let last = ''
      return {
        alter: ({ families }) => ({
          families: {
            ...families,
            apply: (transition) =>
              families.apply(
                last === ''
                  ? transition
                  : { ...transition, set: { ...transition.set, revokedNote: last } as Partial<Family> },
              ),
          },
        }),
        rewrite: (_, input, sender) => {
          last = presentedBy(sender) ?? last
          return input
        },
      }
    },
  },
  'credential-in-the-log': {
    says: 'A line of the log quotes the credential that was presented.',
    shows: 'no-secret-in-log',
    within: 20,
    plant: () => {
      let last = ''
      return {
        alter: applying(async (transition, { families, now }) => {
          log({ level: 'info', event: 'session.rotated', reason: last }, now())
          return families.apply(transition)
        }),
        rewrite: (_, input, sender) => {
          last = presentedBy(sender) ?? last
          return input
        },
      }
    },
  },
  'lost-wake-up': {
    says: 'A function waits for ever for a read of the keyring that has failed.',
    shows: 'answers-in-time',
    within: 200,
    plant: () => ({
      alter: ({ keyring }) => ({
        keyring: (notOlderThanMs) => keyring(notOlderThanMs).catch(() => new Promise(() => {})),
      }),
    }),
  },
  'forgiven-reuse': {
    says: 'A spent token is taken for a retry within the grace, whenever it comes.',
    shows: 'thief-or-owner',
    within: 100,
    plant: () => ({
      alter: applying(async (transition, { families }) => {
        const outcome = await families.apply(transition)
        const { family } = outcome
        if (outcome.done || outcome.refusal.kind !== 'reuse' || family === undefined) return outcome
        return { done: true, family, isGraceRetry: true }
      }),
    }),
  },
  'denial-is-approval': {
    says: 'The page takes every decision for an approval.',
    shows: 'approved-first',
    within: 600,
    plant: () => ({
      request: (request) =>
        request.form?.decision === undefined ? request : { ...request, form: { ...request.form, decision: 'approve' } },
    }),
  },
  'refusal-of-another-grant': {
    says: 'A refresh of a session that has ended is answered with an error of the device flow.',
    shows: 'listed-answers',
    within: 100,
    plant: () => ({
      alter: applying(async (transition, { families }) => {
        const outcome = await families.apply(transition)
        if (outcome.done || outcome.refusal.kind !== 'revoked') return outcome
        return { ...outcome, refusal: { kind: 'denied' } }
      }),
    }),
  },
  'endless-lease': {
    says: 'The lease of a function that has died never ends: nobody else may ask the provider.',
    shows: 'alive-again',
    within: 400,
    plant: () => ({ alter: leaseChangedBy(86_400_000) }),
  },
  'forgotten-assertions': {
    says: 'A client assertion is not remembered: a second request with it is accepted.',
    shows: 'assertion-once',
    within: 1_500,
    plant: () => ({ alter: () => ({ usedAssertions: { record: async () => true } }) }),
  },
  'family-kept-for-ever': {
    says: 'A warm function never reads a family again: introspection knows sessions that have ended.',
    shows: 'true-introspection',
    within: 200,
    plant: () => ({
      alter: ({ families }) => {
        const known = new Map<string, Family>()
        return {
          families: {
            ...families,
            read: async (sid) => {
              const family = known.get(sid) ?? (await families.read(sid))
              if (family?.state === 'active') known.set(sid, family)
              return family
            },
          },
        }
      },
    }),
  },
  'retired-key-accepted': {
    says: 'A warm function accepts every key that it has ever read.',
    shows: 'retired-stays-retired',
    within: 600,
    plant: () => ({
      alter: ({ keyring }) => {
        const known = new Map<number, MacKey>()
        return {
          keyring: async (notOlderThanMs) => {
            const read = await keyring(notOlderThanMs)
            for (const key of read.macKeys) known.set(key.id, key)
            return { ...read, macKeys: [...known.values()] }
          },
        }
      },
    }),
  },
  'strange-key-trusted': {
    says: "An ID token is verified with a key that is not the provider's.",
    shows: 'right-person',
    within: 2_000,
    plant: () => ({ trustsStranger: true }),
  },
  'second-write': {
    says: 'A refresh reads the family before it writes: two requests instead of one.',
    shows: 'one-write',
    within: 20,
    plant: () => ({
      alter: applying(async (transition, { families }) => {
        if (isRotation(transition)) await families.read(transition.sid)
        return families.apply(transition)
      }),
    }),
  },
}
