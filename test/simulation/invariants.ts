/** The checks of what must hold in every run. Actors make some checks themselves (`World.report`). */

import { operations } from '../../shared/api-description/operations.ts'
import type { Family } from '../../shared/domain/family.ts'
import type { Answer, Call } from './broker.ts'
import type { InvariantName } from './invariant-names.ts'
import type { StoreEvent } from './network.ts'
import { impostor } from './provider.ts'
import { credentialOf, type FamilySeen, givesTokens, type Seen, shownIn } from './seen.ts'
import { virtual } from './virtual.ts'

export type Change = { readonly before: Family | undefined; readonly after: Family | undefined }

/** A check returns what is wrong; undefined: nothing. */
export type Invariant = {
  readonly name: InvariantName
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
    onAnswer(seen, call, answer) {
      if (!givesTokens(call, answer)) return undefined
      const token = answer.body.refresh_token as string | undefined
      const shown = shownIn(token)
      if (shown === undefined) return undefined
      const known = seen.families.get(shown.sid)?.tokens.get(shown.generation)
      // A retired key's successor makes other texts, and what the retired one made is refused.
      if (known === token || call.hasOldKeyring || seen.retiredKeys.size > 0) return undefined
      return `generation ${shown.generation} has two texts`
    },
  },
  {
    name: 'single-use',
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
    onAnswer(seen, call, answer) {
      const shown = credentialOf(call)
      if (answer?.body.error !== 'invalid_grant' || shown?.kind !== 'rt' || seen.retiredKeys.has(shown.keyId))
        return undefined
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
    onAnswer(seen, call, answer) {
      if (!givesTokens(call, answer)) return undefined
      const family = familyOf(seen, call) ?? familyOfToken(seen, call.request.form?.subject_token)
      if (family?.endedAtMs === undefined || call.startedAtMs <= family.endedAtMs) return undefined
      return `tokens ${call.startedAtMs - family.endedAtMs} ms after the end was told`
    },
  },
  {
    name: 'true-introspection',
    onAnswer: (seen, call, answer) => (answer === undefined ? undefined : untruth(seen, call, answer)),
  },
  {
    name: 'assertion-once',
    onAnswer(seen, call, answer) {
      const assertion = call.request.form?.client_assertion
      if (assertion === undefined || answer === undefined || answer.status === 401 || answer.status >= 500)
        return undefined
      const before = seen.assertions.get(assertion)
      seen.assertions.set(assertion, call.key)
      return before === undefined ? undefined : `it has proven ${before} before`
    },
  },
  {
    name: 'retired-stays-retired',
    onAnswer(seen, call, answer) {
      const shown = credentialOf(call)
      if (!givesTokens(call, answer) || shown === undefined || !seen.retiredKeys.has(shown.keyId)) return undefined
      const isKnown = call.startedAtMs > seen.retiredFromMs + slackMs(seen)
      return isKnown && !call.hasOldKeyring ? `a credential of the retired key ${shown.keyId}` : undefined
    },
  },
  {
    name: 'right-person',
    onWrite: (_, { after }) => (after?.person?.sub === impostor ? 'the person of a wrong ID token' : undefined),
  },
  {
    name: 'unavailable-spends-nothing',
    onAnswer(seen, call, answer) {
      const { rotation, heardAfterRotation } = seen.call(call.key)
      if (answer?.status !== 503 || rotation === undefined || !heardAfterRotation) return undefined
      const { rotations, revokedAtMs } = seen.families.get(rotation.sid)!
      // A look-up after the loss cannot tell whose write came before the end.
      if (revokedAtMs !== undefined) return undefined
      return rotations.some(({ generation }) => generation > rotation.generation)
        ? undefined
        : `generation ${rotation.generation} was written and the store had answered`
    },
  },
  {
    name: 'listed-answers',
    onAnswer: (_, call, answer) => (answer === undefined ? undefined : unlisted(call, answer)),
  },
  {
    name: 'answers-in-time',
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
    onWrite: (_, { before, after }) => illegalStep(before, after),
  },
  {
    name: 'within-lifetimes',
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
    onAnswer(seen, call, answer) {
      const shown = credentialOf(call)
      if (!givesTokens(call, answer) || shown?.kind !== 'dc') return undefined
      const decision = seen.decisions.get(shown.sid)
      return decision === 'approved' ? undefined : `the person has ${decision ?? 'not decided'}`
    },
  },
  {
    name: 'no-secret-in-table',
    onStore: (seen, { writes }) => secretIn(seen, JSON.stringify(writes.map(({ after }) => after ?? {}))),
  },
  {
    name: 'no-secret-in-log',
    onLog: secretIn,
  },
  {
    name: 'no-fault-of-ours',
    onLog: (_, line) => (line.includes('"event":"fault"') && line.includes('"level":"error"') ? line : undefined),
  },
  {
    name: 'provider-token-once',
    onProviderRefresh(seen, call, token) {
      const other = seen.atProvider.get(token)
      if (other !== undefined && other !== call && other.instance.isAlive)
        return `${other.key} waits for the answer to the same token`
      const successor = seen.replaced.get(token)
      return successor !== undefined && seen.storedAtVault.has(successor) ? 'its successor is in the table' : undefined
    },
  },
]

/** @param token an access token */
function familyOfToken(seen: Seen, token: string | undefined): FamilySeen | undefined {
  return token === undefined ? undefined : seen.families.get(claimsIn(token).sid)
}

function claimsIn(token: string): { readonly sid: string; readonly exp: number } {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sid: string; exp: number }
}

function untruth(seen: Seen, call: Call, { status, body }: Answer): string | undefined {
  const { functionName, request, startedAtMs } = call
  if (functionName !== 'introspect' && functionName !== 'userinfo') return undefined
  if (status >= 500) return undefined
  const token = request.form?.token ?? request.headers?.authorization?.replace('Bearer ', '') ?? ''
  const shown = shownIn(token)
  const family = shown === undefined ? familyOfToken(seen, token) : seen.families.get(shown.sid)
  if (family === undefined) return 'a token of no family'
  const { revokedAtMs, endedAtMs, rotations } = family
  const spent = shown && rotations.find(({ generation }) => generation === shown.generation + 1)
  const isActive = functionName === 'userinfo' ? status === 200 : body.active === true
  if (isActive) {
    const endMs = Math.min(revokedAtMs ?? Infinity, endedAtMs ?? Infinity, spent?.atMs ?? Infinity)
    return startedAtMs > endMs ? `active ${startedAtMs - endMs} ms after its end` : undefined
  }
  const hasEnded = family.isContested || revokedAtMs !== undefined || spent !== undefined
  const isOverMs = shown === undefined ? claimsIn(token).exp * 1_000 : lifetimeEndMs(seen, family)
  if (hasEnded || virtual.nowMs + slackMs(seen) + 1_000 > isOverMs) return undefined
  // A signing key may have been retired, or a function may not know a new key yet.
  if (call.hasOldKeyring || Number.isFinite(seen.retiredFromMs)) return undefined
  return `${shown === undefined ? 'an access token' : `generation ${shown.generation}`} is good and was refused: ${status} ${JSON.stringify(body)}`
}

function lifetimeEndMs(seen: Seen, { family }: FamilySeen): number {
  return Math.min(family.rotatedAt! + seen.settings.idleSeconds * 1_000, family.absoluteExpiresAt!)
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
  if (status === 200) return request.form?.grant_type !== undefined ? unlistedTokens(body) : undefined
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
