/**
 * The keys of the issuers of workload identities (OIDC Discovery §4, RFC 7517 §5): fetched once for all callers, and cached.
 *
 * Addresses come from the registration and from the issuer's own metadata, never from a token.
 */

import { isConfidential, isLoopback } from '../domain/loopback.ts'
import { type IssuerKey, usableKeys } from './workload-token.ts'

/** After this the issuer is asked again, so that a key that it has withdrawn is not accepted for long. */
export const freshMs = 15 * 60_000
/** Cached keys are used for as long as this while the issuer is out of reach. */
export const staleMs = 4 * 3_600_000
/** The pause after a request for an unknown key, which anyone may name, and after one that failed. */
export const pauseMs = 30_000
/** The pause after one that failed while there are no keys: until the next, no workload of this issuer gets in. */
export const emptyPauseMs = 5_000
/** For metadata and keys together, to their last byte: a caller waits for them. */
const defaultTimeoutMs = 3_000
/** The longest metadata or key set that is read. */
export const maxAnswerBytes = 262_144
const maxKeys = 100

export type IssuerKeys = {
  /**
   * @param isUnknown whether none of these keys can have signed the token at hand; then the issuer is asked again
   * @throws {Unavailable} when the issuer is out of reach, or answers wrongly, and no cached key will do
   */
  get(issuer: string, isUnknown: (keys: readonly IssuerKey[]) => boolean): Promise<readonly IssuerKey[]>
}

type Entry = {
  keys: readonly IssuerKey[] | undefined
  fetchedAt: number
  /** The issuer is not asked before. */
  pausedUntil: number
  /** Of the latest attempt. */
  failure: unknown
  pending: Promise<void> | undefined
}

/** Makes the error for an issuer that cannot be used. `words` are for the operator; they hold nothing of an answer. */
type MakeUnavailable = (cause: unknown, retryAfterSeconds: number, words: string | undefined) => Error

type Settings = { readonly now: () => number; readonly unavailable: MakeUnavailable; readonly timeoutMs: number }

/**
 * @param now the clock, ms
 * @param unavailable handed in, because a class that this module shared with a cold start would be one more module there
 */
export function createIssuerKeys(
  now: () => number,
  unavailable: MakeUnavailable,
  timeoutMs = defaultTimeoutMs,
): IssuerKeys {
  const settings = { now, unavailable, timeoutMs }
  // Only registered issuers get here, so their number is bounded by the registry.
  const entries = new Map<string, Entry>()
  const entryOf = (issuer: string): Entry => {
    const known = entries.get(issuer)
    if (known !== undefined) return known
    const entry = { keys: undefined, fetchedAt: 0, pausedUntil: 0, failure: undefined, pending: undefined }
    entries.set(issuer, entry)
    return entry
  }
  return { get: (issuer, isUnknown) => keysFor(entryOf(issuer), issuer, isUnknown, settings) }
}

async function keysFor(
  entry: Entry,
  issuer: string,
  isUnknown: (keys: readonly IssuerKey[]) => boolean,
  settings: Settings,
): Promise<readonly IssuerKey[]> {
  const { now, unavailable } = settings
  const cached = usable(entry, now())
  const isForUnknown = cached !== undefined && isUnknown(cached)
  if (cached === undefined || now() - entry.fetchedAt >= freshMs || isForUnknown) {
    await ask(entry, issuer, isForUnknown, settings)
  }
  const keys = usable(entry, now())
  // A key that we could not look for may well be there: that is not the caller's mistake.
  if (keys === undefined || (entry.failure !== undefined && isUnknown(keys))) {
    const waitSeconds = Math.max(1, Math.ceil((entry.pausedUntil - now()) / 1000))
    throw unavailable(entry.failure, waitSeconds, wordsOf(entry.failure))
  }
  return keys
}

function usable({ keys, fetchedAt }: Entry, now: number): readonly IssuerKey[] | undefined {
  return keys !== undefined && now - fetchedAt < staleMs ? keys : undefined
}

/** One request at a time for each issuer, and none in the pause after one that failed or was for an unknown key. */
async function ask(entry: Entry, issuer: string, isForUnknown: boolean, { now, timeoutMs }: Settings): Promise<void> {
  if (entry.pending === undefined && now() >= entry.pausedUntil) {
    const askedAt = now()
    entry.pending = fetchKeys(issuer, timeoutMs)
      .then((keys) => {
        const pausedUntil = isForUnknown ? askedAt + pauseMs : 0
        Object.assign(entry, { keys, fetchedAt: now(), pausedUntil, failure: undefined })
      })
      .catch((failure: unknown) => {
        const pausedUntil = askedAt + (usable(entry, now()) === undefined ? emptyPauseMs : pauseMs)
        Object.assign(entry, { failure, pausedUntil })
      })
      .finally(() => {
        entry.pending = undefined
      })
  }
  await entry.pending
}

function wordsOf(failure: unknown): string | undefined {
  if (failure instanceof WrongAnswer) return failure.message
  return failure instanceof DOMException && failure.name === 'TimeoutError' ? 'it has not answered in time' : undefined
}

/** What the operator is told; it holds nothing of an answer. */
class WrongAnswer extends Error {}

async function fetchKeys(issuer: string, timeoutMs: number): Promise<readonly IssuerKey[]> {
  const signal = AbortSignal.timeout(timeoutMs)
  // OIDC Discovery §4.1: a terminating / is removed first.
  const place = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const metadata = await fetchObject(new URL(place), 'metadata', signal)
  // OIDC Discovery §4.3
  if (metadata.issuer !== issuer) throw new WrongAnswer("the metadata's issuer is another one")
  const keysUrl = typeof metadata.jwks_uri === 'string' ? URL.parse(metadata.jwks_uri) : null
  if (keysUrl === null) throw new WrongAnswer('the metadata has no jwks_uri')
  if (isLoopback(keysUrl) && !isLoopback(new URL(issuer))) throw new WrongAnswer('jwks_uri is a loopback address')
  const { keys } = await fetchObject(keysUrl, 'jwks', signal)
  if (!Array.isArray(keys)) throw new WrongAnswer('the key set has no keys')
  if (keys.length > maxKeys) throw new WrongAnswer('the key set has too many keys')
  return usableKeys(keys)
}

async function fetchObject(url: URL, what: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  if (!isConfidential(url) || url.username !== '' || url.password !== '') {
    throw new WrongAnswer(`the address of the ${what} is not https`)
  }
  const answer = await fetch(url, { redirect: 'manual', signal, headers: { accept: 'application/json' } })
  if (answer.status !== 200) {
    await answer.body?.cancel()
    const isRedirect = answer.status >= 300 && answer.status < 400
    throw new WrongAnswer(isRedirect ? `the ${what} is a redirect` : `the ${what} has the status ${answer.status}`)
  }
  const value: unknown = parsed(await textOf(answer, what), what)
  if (typeof value !== 'object' || value === null) throw new WrongAnswer(`the ${what} is not an object`)
  return value as Readonly<Record<string, unknown>>
}

/** Read piece by piece, since an answer may be longer than it says, or grow when it is unpacked. */
async function textOf(answer: Response, what: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new WrongAnswer(`the ${what} is longer than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new WrongAnswer(`the ${what} is not JSON`)
  }
}
