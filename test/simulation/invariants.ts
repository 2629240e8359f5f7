/** What must hold in every run, by name. Each invariant is a sentence and a check. */

import { operations } from '../../shared/api-description/operations.ts'
import type { Family } from '../../shared/domain/family.ts'
import type { Answer, Call } from './broker.ts'
import type { StoreEvent } from './network.ts'
import { credentialOf, type FamilySeen, givesTokens, type Seen, shownIn } from './seen.ts'
import { virtual } from './virtual.ts'

export type Change = { readonly before: Family | undefined; readonly after: Family | undefined }

/** A check returns what is wrong; undefined: nothing. */
export type Invariant = {
  readonly name: string
  readonly says: string
  readonly onWrite?: (seen: Seen, change: Change, event: StoreEvent) => string | undefined
  readonly onStore?: (seen: Seen, event: StoreEvent) => string | undefined
  /** @param answer undefined: the function was killed, or took too long */
  readonly onAnswer?: (seen: Seen, call: Call, answer: Answer | undefined) => string | undefined
  readonly onProviderRefresh?: (seen: Seen, call: Call, token: string) => string | undefined
  readonly onLog?: (seen: Seen, line: string) => string | undefined
}

/** Two clocks may be this far apart, and a little for the way. */
function slackMs({ maxSkewMs }: Seen): number {
  return 2 * maxSkewMs + 100
}

function familyOf(seen: Seen, call: Call): FamilySeen | undefined {
  const shown = credentialOf(call)
  return shown && seen.families.get(shown.sid)
}

/** The rotation that spent the credential of a call. */
function spending(seen: Seen, call: Call) {
  const shown = credentialOf(call)
  return familyOf(seen, call)?.rotations.find(({ generation }) => generation === shown!.generation + 1)
}

export const invariants: readonly Invariant[] = [
  {
    name: 'one-live-token',
    says: 'A family has at most one live refresh token: every caller gets the same text for a generation, unless a function cannot read the keyring.',
    onAnswer(seen, call, answer) {
      if (!givesTokens(call, answer)) return undefined
      const token = answer.body.refresh_token as string | undefined
      const shown = shownIn(token)
      if (shown === undefined) return undefined
      const known = seen.families.get(shown.sid)?.tokens.get(shown.generation)
      if (known === token || call.instance.hasOldKeyring) return undefined
      return `generation ${shown.generation} has two texts`
    },
  },
  {
    name: 'single-use',
    says: 'A credential is honoured once. Within its grace the immediate predecessor gets the same successor, while that is unused.',
    onAnswer(seen, call, answer) {
      const shown = credentialOf(call)
      if (!givesTokens(call, answer) || shown === undefined) return undefined
      const family = familyOf(seen, call)
      const spent = spending(seen, call)
      if (family === undefined || spent === undefined)
        return 'tokens were given, and no credential was spent in the table'
      if (spent.byCall === call.key) return undefined
      const { graceSeconds } = seen.settings
      if (graceSeconds === 0) return `generation ${shown.generation} was honoured twice without grace`
      const agoMs = call.startedAtMs - spent.atMs
      if (agoMs > graceSeconds * 1_000 + slackMs(seen)) return `honoured again ${agoMs} ms after it was spent`
      const followed = family.rotations.find(({ generation }) => generation === shown.generation + 2)
      if (followed !== undefined && followed.atMs < call.startedAtMs)
        return 'honoured again after its successor was used'
      return undefined
    },
  },
  {
    name: 'reuse-ends',
    says: 'A spent refresh token that is presented again after its grace ends the family before the caller has an answer.',
    onAnswer(seen, call, answer) {
      const shown = credentialOf(call)
      if (answer?.body.error !== 'invalid_grant' || shown?.kind !== 'rt') return undefined
      const family = familyOf(seen, call)
      const spent = spending(seen, call)
      if (family === undefined || spent === undefined || spent.byCall === call.key) return undefined
      const graceMs = seen.settings.graceSeconds * 1_000
      if (spent.atMs + graceMs + slackMs(seen) > call.startedAtMs) return undefined
      return family.family.state === 'active'
        ? `generation ${shown.generation} was reused and the family lives on`
        : undefined
    },
  },
  {
    name: 'ended-stays-ended',
    says: 'After the answer that a session has ended, no call that begins gets anything for it.',
    onAnswer(seen, call, answer) {
      if (!givesTokens(call, answer)) return undefined
      const family = familyOf(seen, call) ?? familyOfExchange(seen, call)
      if (family?.endedAtMs === undefined || call.startedAtMs <= family.endedAtMs) return undefined
      return `tokens ${call.startedAtMs - family.endedAtMs} ms after the end was told`
    },
  },
  {
    name: 'unavailable-spends-nothing',
    says: 'A 503 of a function spends nothing, unless every answer to the write was lost.',
    onAnswer(seen, call, answer) {
      const { rotation, heardAfterRotation } = seen.call(call.key)
      if (answer?.status !== 503 || rotation === undefined || !heardAfterRotation) return undefined
      const others = seen.families
        .get(rotation.sid)
        ?.rotations.filter(({ generation }) => generation > rotation.generation)
      return others?.length === 0
        ? `generation ${rotation.generation} was written and the store had answered`
        : undefined
    },
  },
  {
    name: 'listed-answers',
    says: 'Every answer is one that the description of the API lists, and none is a 500.',
    onAnswer: (_, call, answer) => (answer === undefined ? undefined : unlisted(call, answer)),
  },
  {
    name: 'answers-in-time',
    says: 'A function answers within its 20 seconds, unless it was frozen, killed or met more than two faults.',
    onAnswer(_, call, answer) {
      // The scheduled function has no caller: where the table or the keyring is out of reach, it fails, and the next run goes on.
      if (answer !== undefined || call.faults > 2 || call.functionName === 'retry-revocations') return undefined
      const { isAlive, frozenUntilMs } = call.instance
      const wasKilled = call.faults > 0 && !isAlive && virtual.nowMs - call.startedAtMs < 19_999
      return wasKilled || frozenUntilMs > call.startedAtMs ? undefined : 'no answer of its own'
    },
  },
  {
    name: 'one-write',
    says: 'A refresh that meets no fault is one request to DynamoDB and one write unit, the reads of a registration apart.',
    onAnswer(seen, call, answer) {
      const { requests, units } = seen.call(call.key)
      if (!givesTokens(call, answer) || call.faults > 0 || call.request.form?.grant_type !== 'refresh_token')
        return undefined
      if (call.request.form.client_id !== 'job') return undefined
      const own = requests.filter((request) => request !== 'GetItem application')
      return own.length === 1 && units <= 1 ? undefined : `${own.join(', ')}, ${units} units`
    },
  },
  {
    name: 'legal-history',
    says: 'A family only takes the steps of its life: one generation at a time, nothing after its end, and its end never moves.',
    onWrite: (_, { before, after }) => illegalStep(before, after),
  },
  {
    name: 'within-lifetimes',
    says: 'No refresh succeeds after the idle or the absolute lifetime.',
    onWrite(seen, { before, after }) {
      if (
        before === undefined ||
        after === undefined ||
        before.generation < 1 ||
        after.generation === before.generation
      )
        return undefined
      const lateMs = virtual.nowMs - 21_000 - slackMs(seen)
      if (lateMs > (before.absoluteExpiresAt ?? 0)) return 'after the absolute end'
      return lateMs > before.rotatedAt! + seen.settings.idleSeconds * 1_000 ? 'idle for too long' : undefined
    },
  },
  {
    name: 'approved-first',
    says: 'A device gets tokens only after a person approved it, and never after they denied.',
    onAnswer(seen, call, answer) {
      const shown = credentialOf(call)
      if (!givesTokens(call, answer) || shown?.kind !== 'dc') return undefined
      const decision = seen.decisions.get(shown.sid)
      return decision === 'approved' ? undefined : `the person has ${decision ?? 'not decided'}`
    },
  },
  {
    name: 'no-secret-in-table',
    says: 'No item holds a credential, a salt, a user code, an access token, a key or a token of the provider in the clear.',
    onStore: (seen, { writes }) => secretIn(seen, JSON.stringify(writes.map(({ after }) => after ?? {}))),
  },
  {
    name: 'no-secret-in-log',
    says: 'No line of the log holds any of these.',
    onLog: secretIn,
  },
  {
    name: 'no-fault-of-ours',
    says: 'No function reports a fault of the broker itself.',
    onLog: (_, line) => (line.includes('"event":"fault"') && line.includes('"level":"error"') ? line : undefined),
  },
  {
    name: 'provider-token-once',
    says: "A refresh token of the provider is never sent again once its successor is in the table, nor while a function waits for the provider's answer to it.",
    onProviderRefresh(seen, call, token) {
      const other = seen.atProvider.get(token)
      if (other !== undefined && other !== call && other.instance.isAlive)
        return `${other.key} waits for the answer to the same token`
      const successor = seen.replaced.get(token)
      return successor !== undefined && seen.storedAtVault.has(successor) ? 'its successor is in the table' : undefined
    },
  },
]

/** Checks that the actors make themselves; the world reports them by these names. */
export const reported = {
  'honest-keeps':
    'An honest client with grace never loses its session, unless somebody else acts on it or every try of its grace failed.',
  'thief-or-owner':
    'A thief and the owner never both live on: after the grace at most one of them refreshes, and the other ends the session.',
  'alive-again': 'When all faults are over, every session that nobody ended goes on, and every actor comes to its end.',
  'silent-after-answer': 'A function sends nothing after its answer, because Lambda may never run it on.',
  'provider-told': 'Every ended session is told to the provider in the end, and nothing of it is kept.',
} as const

export type ReportedName = keyof typeof reported

function familyOfExchange(seen: Seen, call: Call): FamilySeen | undefined {
  const token = call.request.form?.subject_token
  if (token === undefined) return undefined
  const [, payload = ''] = token.split('.')
  const { sid } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sid: string }
  return seen.families.get(sid)
}

function secretIn(seen: Seen, text: string): string | undefined {
  for (const secret of seen.secrets) if (text.includes(secret)) return `${secret.slice(0, 6)}… in ${text.slice(0, 200)}`
  return undefined
}

const texts = ['application', 'clientId', 'flow', 'saltHash', 'createdAt', 'version'] as const

function illegalStep(before: Family | undefined, after: Family | undefined): string | undefined {
  if (after === undefined) return 'a family was deleted'
  if (before === undefined) return after.generation === 0 ? undefined : 'a family began in the middle'
  const changed = texts.find((name) => before[name] !== after[name])
  if (changed !== undefined) return `${changed} has changed`
  const steps = after.generation - before.generation
  if (steps !== 0 && steps !== 1) return `from generation ${before.generation} to ${after.generation}`
  if (before.state === 'revoked' && (after.state !== 'revoked' || steps !== 0)) return `from revoked to ${after.state}`
  if (before.state === 'denied' && after.state !== 'denied') return `from denied to ${after.state}`
  if (before.state === 'active' && !['active', 'revoked'].includes(after.state)) return `from active to ${after.state}`
  const end = before.absoluteExpiresAt
  if (end !== undefined && after.absoluteExpiresAt !== end) return 'the absolute end has moved'
  if (steps === 0 && before.rotatedAt !== undefined && after.rotatedAt !== before.rotatedAt)
    return 'the grace has moved'
  return undefined
}

type Described = {
  readonly content?: Readonly<Record<string, { readonly examples?: Readonly<Record<string, unknown>> }>>
}

function unlisted({ functionName, request }: Call, { status, body, headers }: Answer): string | undefined {
  if (functionName === 'retry-revocations') return undefined
  const path = request.path.replace(/^\/[^/]+\//, '/{application}/').replace(/(?<=sessions\/)(?!revoke)[^/]+$/, '{sid}')
  const operation = operations[`${request.method} ${path}`]
  const response = operation?.responses[status] as Described | { readonly $ref: string } | undefined
  if (response === undefined || status === 500)
    return `${request.method} ${path} answered ${status} ${String(body.error ?? '')}`
  if (status === 503 && headers['retry-after'] === undefined) return '503 without Retry-After'
  if (functionName === 'activate' || functionName === 'callback' || functionName === 'authorize') return undefined
  if (headers['cache-control'] !== 'no-store') return 'Cache-Control is not no-store'
  if (status === 200) return functionName === 'token' ? unlistedTokens(body) : undefined
  const examples =
    '$ref' in response ? { temporarily_unavailable: {} } : response.content?.['application/json']?.examples
  const isListed = typeof body.error === 'string' && examples !== undefined && body.error in examples
  return isListed ? undefined : `${request.method} ${path} answered ${status} ${String(body.error)}`
}

function unlistedTokens({
  access_token: accessToken,
  token_type: type,
  expires_in: expiresIn,
}: Answer['body']): string | undefined {
  if (typeof accessToken !== 'string' || type !== 'Bearer') return 'no bearer token'
  return Number.isInteger(expiresIn) ? undefined : 'expires_in is no whole number'
}
