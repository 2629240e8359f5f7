/** The keyring and its changes as JSON for ops, without key material. */

import { keyringCachedMs, publishedKeysCachedSeconds } from './keyring.ts'
import { type KeyLife, type KeyStatus, parseKeyring } from './keyring-secret.ts'
import { leadSeconds, nameOf } from './rotation.ts'

export type KeyKind = 'signing' | 'mac' | 'seal' | 'lookup'

/** Times are ISO 8601, UTC. */
export type KeyDescription = {
  readonly kind: KeyKind
  /** The name for `keys rotate --emergency`: the `kid`, or `mac-<id>`. */
  readonly key: string
  readonly alg: string
  readonly status: KeyStatus
  /** Whether it is the key in use now. In the first minutes after a rotation, that is a `previous` one. */
  readonly in_use: boolean
  /** Absent if unknown (a keyring of version 1). */
  readonly published_at?: string
  /** Absent for a next key, or if unknown. */
  readonly used_from?: string
  readonly used_until?: string
  /** The first rotation after this time removes it. */
  readonly kept_until?: string
}

/** @param text of the secret */
export function describeKeyring(text: string, nowMs: number): readonly KeyDescription[] {
  const { signing, mac, seal, lookup } = parseKeyring(text)
  const described = (kind: KeyKind, name: string, alg: string, life: KeyLife): KeyDescription => ({
    kind,
    key: name,
    alg,
    status: life.status,
    in_use: isUsedAt(life, nowMs),
    ...time('published_at', life.publishedAtSeconds),
    ...time('used_from', life.usedFromSeconds),
    ...time('used_until', life.usedUntilSeconds),
    ...time('kept_until', life.keptUntilSeconds),
  })
  return [
    ...signing.map((key) => described('signing', nameOf(key), key.alg, key)),
    ...mac.map((key) => described('mac', nameOf(key), 'HMAC-SHA-256', key)),
    ...seal.map((key) => described('seal', nameOf(key), 'A256GCM', key)),
    ...(lookup === undefined ? [] : [described('lookup', nameOf(lookup), 'HMAC-SHA-256', lookup)]),
  ]
}

/**
 * The age of the oldest key in use, in days to a tenth. A key of version 1 counts from 1970, because it has never been rotated. The
 * lookup key does not count, because no rotation replaces it.
 *
 * @param text of the secret
 */
export function oldestKeyInUseDays(text: string, nowMs: number): number {
  const { signing, mac, seal } = parseKeyring(text)
  const since = [...signing, ...mac, ...seal]
    .filter((key) => isUsedAt(key, nowMs))
    .map(({ usedFromSeconds = 0 }) => usedFromSeconds * 1000)
  return Math.round((nowMs - Math.min(nowMs, ...since)) / 8_640_000) / 10
}

export type Rotation = {
  /** When the next keys take over, everywhere at once. */
  readonly used_from: string
  readonly keys: readonly KeyDescription[]
}

/** @param text of the keyring after the rotation */
export function describeRotation(text: string, nowMs: number): Rotation {
  return {
    used_from: iso((parseKeyring(text).madeAtSeconds + leadSeconds) * 1000),
    keys: describeKeyring(text, nowMs),
  }
}

export type Retirement = {
  readonly retired: readonly { readonly kind: KeyKind; readonly key: string; readonly ends: string }[]
  /** From then on every function uses the new keyring. Until then some still accept and use the retired keys. */
  readonly effective_at: string
  /** From then on verifiers have fetched the public keys again. Only if a signing key was retired. */
  readonly verifiers_effective_at?: string
  /**
   * Whether every function and verifier had each key before it took over. If not, functions may refuse what it makes until
   * `effective_at`, and verifiers until `verifiers_effective_at`.
   */
  readonly known_everywhere: boolean
  readonly keys: readonly KeyDescription[]
}

const ends: Readonly<Record<KeyKind, string>> = {
  signing: 'Access tokens and ID tokens that it signed are refused. Sessions go on: the next refresh brings good ones.',
  mac: 'Refresh tokens, authorization codes and device codes that it made are refused: their people sign in again.',
  seal: 'Sign-ins under way start again. What it sealed of providers’ tokens cannot be opened: those sessions need a new sign-in.',
  lookup: 'Sessions that began before are no longer found by an e-mail address; by name and subject they still are.',
}

/**
 * @param before the keyring's text as it was
 * @param after as it is now, in place since `nowMs`
 */
export function describeRetirement(before: string, after: string, nowMs: number): Retirement {
  const keys = describeKeyring(after, nowMs)
  const isLeft = (name: string) => keys.some(({ key }) => key === name)
  const gone = describeKeyring(before, nowMs).filter(({ key }) => !isLeft(key))
  const knownBefore = nowMs - leadSeconds * 1000
  const tookOver = keys.filter(
    (key) => key.in_use && gone.some(({ kind, alg }) => kind === key.kind && alg === key.alg),
  )
  const readAgainMs = nowMs + keyringCachedMs
  return {
    retired: gone.map(({ kind, key, status }) => ({
      kind,
      key,
      ends: status === 'next' ? 'Nothing: it was not used yet.' : ends[kind],
    })),
    effective_at: iso(readAgainMs),
    ...(gone.some(({ kind }) => kind === 'signing') && {
      verifiers_effective_at: iso(readAgainMs + publishedKeysCachedSeconds * 1000),
    }),
    known_everywhere: tookOver.every(({ published_at = 0 }) => new Date(published_at).getTime() <= knownBefore),
    keys,
  }
}

function isUsedAt({ status, usedFromSeconds, usedUntilSeconds }: KeyLife, atMs: number): boolean {
  if (status === 'next' || (usedFromSeconds ?? 0) * 1000 > atMs) return false
  return usedUntilSeconds === undefined || atMs < usedUntilSeconds * 1000
}

function time<Name extends string>(name: Name, seconds: number | undefined): Partial<Record<Name, string>> {
  return seconds ? ({ [name]: iso(seconds * 1000) } as Partial<Record<Name, string>>) : {}
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
